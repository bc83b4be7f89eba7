"""FAULTS.md, made from the docstrings of the faults."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from contract_tests.lab.tools.checkout import ROOT
from fake_server.faults import CATALOGUE, Fault

PAGE = ROOT / "fake_server" / "faults" / "FAULTS.md"
_TITLES = {
    "replies": "Another reply instead of the answer",
    "requests": "A request that is misread",
    "leaving": "How the bytes are sent",
    "edits": "Changes to the bytes of a reply",
    "events": "Changes to the events of a stream",
    "values": "Changes to the values in a reply",
    "between": "Between requests, and what browsers need",
}
_INTRODUCTION = """# Faults

Generated from the code by `make pages`. A fault makes the fake go wrong in one way. There are three places
to ask for it:

- in the reply of a script: `faults: [{fault: cut, after_events: 3}]`;
- for a whole space: `fake.fault("cut", after_events=3, times=1)`, or `POST /__fake__/faults`;
- for one request, in its header: `x-fake-fault: cut;after_events=3`.

Several faults are applied in the order in which they are listed, those about how bytes are sent last. In the
header, separate faults by commas and put quotes around values that are more than a plain word:
`error;status=429;message="Slow down.", split;every=5`. Booleans are `true` and `false`.

A fault of a space applies to every reply of the API, even to the refusal of a wrong key, a broken body or an
unknown path; for these, `when` has no request body to look at. A known bug of a real server is one or more
faults with a name: `fake-server --bug ID`, `x-fake-bug: ID` or `fake.bug("ID")`; `contract bugs` lists them.

Every fault takes `probability`, from 0 to 1, drawn by the seed of the server. Faults of a space also take
`when` and `times`, as scripts do. `after_bytes`, `after_events` and `after_seconds` say where a fault
strikes: after this many bytes of the body, after this many whole events (comments are not counted), or this
many seconds after the head. Exactly the bytes before that place are delivered. `event` counts from 1, or
from the end if it is negative. A fault that a reply cannot have (a dict has no `[DONE]` to leave out) is
skipped, and the journal says so.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for module, title in _TITLES.items():
        yield f"## {title}\n\n| fault | what goes wrong | parameters |\n|---|---|---|"
        for name, kind in CATALOGUE.items():
            if kind.__module__.rpartition(".")[2] == module:
                yield f"| `{name}` | {_cell(inspect.cleandoc(kind.__doc__ or ''))} | {_parameters(kind)} |"
        yield ""


def _parameters(kind: type[Fault]) -> str:
    cells = []
    for name, field in kind.model_fields.items():
        if name in ("fault", "probability"):
            continue
        plain = field.is_required() or field.default in (None, {}, [])
        cells.append(f"`{field.alias or name}`" + ("" if plain else f" ({_value(field.default)})"))
    return ", ".join(cells) or "–"


def _value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else f"{value}"
    return text.replace("\n", "\\n").replace("data: data: ", "`data: data: `")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
