"""The page of faults, FAULTS.md, written from their own words."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from contract_tests.lab.tools.checkout import ROOT
from fake_server.faults import CATALOGUE, Fault

PAGE = ROOT / "fake_server" / "faults" / "FAULTS.md"
_TITLES = {
    "replies": "Instead of the answer",
    "requests": "In how the request is read",
    "leaving": "In how the bytes leave",
    "edits": "In what is sent",
    "values": "In the values that are sent",
    "between": "Between requests, and before those of pages",
}
_INTRODUCTION = """# Faults

Generated from the code by `make pages`. A fault is named in a script's reply (`faults: [{fault: cut,
after_events: 3}]`), in force for a whole space (`fake.fault("cut", after_events=3, times=1)`, or `POST
/__fake__/faults`), or in the header of one request (`x-fake-fault: cut;after_events=3`). Several compose
in their order; those about leaving come last. In the header texts with other signs than those of a name
stand in quotes: `error;status=429;message="Slow down.", split;every=5`; yes and no are `true` and `false`.
A fault strikes every reply of the API, refusals of a wrong key, of a broken body and of an unknown path
too (of what such a body asks `when` knows nothing). A known bug of a real server is some of them under a
name: `fake-server --bug ID`, `x-fake-bug: ID`, `fake.bug("ID")`; `contract bugs` lists them.

Every fault takes `probability` (0 to 1, drawn by the server's seed). Those in force take `when` and
`times` as scripts do. `after_bytes`, `after_events` and `after_seconds` say where: behind so many bytes
of the body, so many whole events (comments not counted), or so many seconds after the head; exactly the
bytes before that place are delivered. `event` counts from 1, or from the end below 0. What a reply
cannot have (no `[DONE]` to leave out of a dict) is left out, and the journal says so.
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
    told = []
    for name, field in kind.model_fields.items():
        if name in ("fault", "probability"):
            continue
        plain = field.is_required() or field.default in (None, {}, [])
        told.append(f"`{field.alias or name}`" + ("" if plain else f" ({_value(field.default)})"))
    return ", ".join(told) or "–"


def _value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else f"{value}"
    return text.replace("\n", "\\n").replace("data: data: ", "`data: data: `")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
