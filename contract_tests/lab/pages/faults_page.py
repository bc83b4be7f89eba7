"""FAULTS.md, made from the docstrings of the faults."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from contract_tests.lab.tools.checkout import ROOT
from fake_server.faults import CATALOGUE, Fault

PAGE = ROOT / "fake_server" / "faults" / "FAULTS.md"
_TITLES = {  # module of a fault: title of its section
    "replies": "Another reply instead of the answer",
    "requests": "A request that is misread",
    "leaving": "How the bytes are sent",
    "edits": "Changes to the bytes of a reply",
    "events": "Changes to the events of a stream",
    "values": "Changes to the values in a reply",
    "between": "Between requests, and what browsers need",
}
_INTRODUCTION = """# Faults

Generated from the code by `make pages`. A fault makes the fake go wrong in one way. You can ask for it:

- for one script, in its reply: `faults: [{fault: cut, after_events: 3}]`;
- for one request, in its header: `x-fake-fault: cut;after_events=3`;
- for a whole space, from Python: `fake.fault("cut", after_events=3, times=1)`, or over HTTP:

  ```sh
  curl http://127.0.0.1:1337/__fake__/faults -d 'cut;after_events=3'
  curl http://127.0.0.1:1337/__fake__/faults \\
    -d '{"fault": "cut", "after_events": 3, "times": 1, "when": {"model": "gpt-4o"}}'
  ```

- for the whole server, on the command line: there is no option for a fault; write a script, or play a known bug with
  `--bug ID`;
- for one test, in pytest: `@pytest.mark.fake_fault("cut", after_events=3)`, or `fake_server.fault("cut",
  after_events=3)` with the fixture `fake_server`.

Every fault takes `probability`, from 0 to 1, decided from the server's seed. Only a space and pytest also take
`times`, how many requests the fault strikes at most, and `when`, which requests it strikes, written as in a script;
also by method and path: `{"method": "GET", "path": "/v1/models"}`. Scripts and the header take neither: the script's
own `when` and `times` apply there, and a header concerns its own request.

Several faults are applied in the order in which they are listed, those about how bytes are sent last. In the
header, separate faults by commas and put quotes around values that are more than a plain word:
`error;status=429;message="Slow down.", split;every=5`. Booleans are `true` and `false`. The header cannot express
null, lists and mappings: `value=null` there is the word `null`. Use one of the other places for them.

A fault set for a space applies to every reply of the API, even to the refusal of a wrong key, a broken body or an
unknown path; for these, `when` has no request body to look at, only the method, the path and the headers. A known
bug of a real server is one or more faults with a name: `fake-server --bug ID`, `x-fake-bug: ID` or `fake.bug("ID")`;
`contract bugs` lists them.

`after_bytes`, `after_events` and `after_seconds` say where a fault strikes: after this many bytes of the body,
after this many whole events (comments are not counted), or this many seconds after the head. A fault takes one of
them; without any it strikes at the start of the body. After `cut`, and after a `stall` without `seconds`, exactly
the bytes before that place have arrived. `event` counts from 1, or from the end if it is negative. A fault that a
reply cannot have (a reply that is not streamed has no `[DONE]` to leave out) is skipped, and the journal says so.

Streams of responses take the same faults as those of chat, except those about `[DONE]`, which they never send. Their
events have types: `of` limits a fault to events of one type, and `event` and `after_events` then count only these. The
`response.` before a type may be left out:

| what goes wrong | `x-fake-fault` |
|---|---|
| The connection ends after the second text delta. | `cut;after_events=2;of=output_text.delta` |
| `output_item.done` is missing for the first item. | `drop-event;event=1;of=output_item.done` |
| The text arrives without deltas, only in the events after them. | `drop-events;of=output_text.delta` |
| The response fails after the first delta. | `error-event;after_events=1;of=output_text.delta;failed=true` |
| The stream ends without `response.completed`, its last event. | `drop-event;event=-1` |

In a script, which can also give lists:

```yaml
- name: deltas without their item
  reply:
    text: one two three
    faults: [{fault: json, of: output_text.delta, remove: [item_id, output_index]}]
```

Defaults are in parentheses; a parameter without a default is unset.
"""


def page() -> str:
    """The whole page. Raises ValueError if a fault is in a module that has no section."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _module(kind: type[Fault]) -> str:
    return kind.__module__.rpartition(".")[2]


def _sections() -> Iterator[str]:
    unknown = sorted({_module(kind) for kind in CATALOGUE.values()} - set(_TITLES))
    if unknown:
        raise ValueError(
            f"no section for faults in {', '.join(unknown)}: add a title to _TITLES in {Path(__file__).name}"
        )
    for module, title in _TITLES.items():
        yield f"## {title}\n\n| fault | what goes wrong | parameters |\n|---|---|---|"
        for name, kind in CATALOGUE.items():
            if _module(kind) == module:
                yield f"| `{name}` | {_cell(inspect.cleandoc(kind.__doc__ or ''))} | {_parameters(kind)} |"
        yield ""


def _parameters(kind: type[Fault]) -> str:
    return (
        ", ".join(
            f"`{field.alias or name}`" + _details(field)
            for name, field in kind.model_fields.items()
            if name not in ("fault", "probability")
        )
        or "–"
    )


def _details(field: FieldInfo) -> str:
    """The allowed values of a parameter, if they are few, and its default: ` (`fin` or `rst`; default `fin`)`."""
    default = "" if field.is_required() or field.default in (None, {}, []) else _code(field.default)
    if get_origin(field.annotation) is Literal:
        allowed = [_code(value) for value in get_args(field.annotation)]
        default = f"{', '.join(allowed[:-1])} or {allowed[-1]}; default {default}"
    return f" ({default})" if default else ""


def _code(value: Any) -> str:
    """A value as code, as it is written in YAML or JSON."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`".replace("\n", "\\n").replace("|", "\\|")


def _cell(docstring: str) -> str:
    """A docstring as a table's cell; paragraphs and list items begin on a line of their own."""
    text = docstring.replace("\n\n- ", "\n- ").replace("\n- ", "<br>• ").replace("\n\n", "<br>")
    return " ".join(text.split()).replace("|", "\\|")
