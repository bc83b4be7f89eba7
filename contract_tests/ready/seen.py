"""What clients were seen to send, and what became of them: the files in `clients`, which the lab makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from contract_tests.target.endpoints import CHAT, RESPONSES

FOLDER = Path(__file__).resolve().parent / "clients"
APIS: Mapping[str, str] = {"chat": CHAT, "responses": RESPONSES}
"""The path of each API that clients speak, below the base URL."""
Verdicts = Mapping[str, str]
"""A verdict by the name of the client in the measured table: `openai-python .stream()` is one of its own."""
ANY_FORM = "*"
"""Stands for every form in which a rule can be broken."""


LONGEST_TEXT = 300
"""Characters of a text in a request that are kept: what a client tells its model is long, and the target's to bear."""
_CUT = re.compile(r"⟨(\d+) more characters⟩\Z")
_FILLER = "and so on, "
RESPONSE_ID, CALL_ID = "⟨id of the response⟩", "⟨id of the call⟩"
"""Stand in a body for what the answer before it has."""


def shorten_text(text: str) -> str:
    """The beginning of a long text, with the number of characters that are left out."""
    left = len(text) - LONGEST_TEXT
    return text if left <= 0 else f"{text[:LONGEST_TEXT]}⟨{left} more characters⟩"


def expand(value: Any) -> Any:
    """A body with its shortened texts as long as they were."""
    if isinstance(value, dict):
        return {name: expand(part) for name, part in value.items()}
    if isinstance(value, list):
        return [expand(part) for part in value]
    cut = _CUT.search(value) if isinstance(value, str) else None
    if cut is None:
        return value
    left = int(cut[1])
    return value[: cut.start()] + (_FILLER * (left // len(_FILLER) + 1))[:left]


@dataclass(frozen=True)
class SeenRequest:
    """A request as the client sent it: header fields less those about the connection and the key, and its body.

    Long texts in the body are shortened; `expand` gives them their length. `after` names the request whose answer it
    goes on with, if the target is to know that: its body then has RESPONSE_ID and CALL_ID for what the answer has.
    """

    name: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: Mapping[str, Any]
    after: str = ""

    @property
    def is_stream(self) -> bool:
        """Whether it asks for a stream."""
        return self.body.get("stream") is True


@dataclass(frozen=True)
class SeenClient:
    """A client in one version, as it was seen on one day.

    `columns` are its names in the measured table: the client, and helpers of its own that are read apart. `requests`
    holds what it sends by API; `api` is the one it speaks unless told otherwise. `forms` holds, by rule and form of
    finding (see `form_of`), what became of it where that is not what the table says of the rule. `ends` holds
    by way of ending what became of it where a Response was not completed, though no rule is broken. `acts_on` names
    members of its answers that applications act on, beside text, calls and end.
    """

    client: str
    version: str
    seen: str
    api: str
    columns: tuple[str, ...]
    requests: Mapping[str, Sequence[SeenRequest]]
    forms: Mapping[str, Mapping[str, Verdicts]] = field(default_factory=dict)
    ends: Mapping[str, Verdicts] = field(default_factory=dict)
    acts_on: tuple[str, ...] = ()

    def text(self) -> str:
        """The content of its file: a line for each request and form, for readable diffs."""
        value = asdict(self)
        value["requests"] = {
            api: [_as_value(request) for request in requests] for api, requests in self.requests.items()
        }
        return _as_lines(value, 3) + "\n"


def _as_value(request: SeenRequest) -> dict[str, Any]:
    value = {**asdict(request), "headers": dict(request.headers)}
    return value if request.after else {name: part for name, part in value.items() if name != "after"}


def _as_lines(value: Any, depth: int, indent: str = "") -> str:
    """JSON with a line for each member, down to a depth; what lies deeper stays on its line."""
    if not depth or not value or not isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {_as_lines(part, depth - 1, deeper)}" for name, part in value.items()]
        return "{\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _as_lines(part, depth - 1, deeper) for part in value) + f"\n{indent}]"


def client_names() -> tuple[str, ...]:
    """The clients that were seen, by name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


@cache
def load_client(name: str) -> SeenClient:
    """The client of this name. Raises OSError where it was not seen."""
    read = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    requests = {
        api: tuple(SeenRequest(**{**request, "headers": tuple(request["headers"].items())}) for request in seen)
        for api, seen in read.pop("requests").items()
    }
    for name in ("columns", "acts_on"):
        read[name] = tuple(read.get(name, ()))
    return SeenClient(**read, requests=requests)
