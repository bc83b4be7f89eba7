"""What the catalogue knows of each bug, and how it is looked up and played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fake_server.api.request import ApiRequest
from fake_server.bugs.errors import BugError
from fake_server.faults import AnyFault, Fault
from fake_server.scripts import book, conditions
from fake_server.scripts.when import When
from fake_server.wire.datafile import read_yaml
from fake_server.wire.text import did_you_mean

CATALOGUE = Path(__file__).parent / "catalogue"
Severity = Literal["breaks-client", "loses-data", "cosmetic"]
Endpoint = Literal["chat/completions", "completions", "embeddings", "models", "responses", "any"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Seen(Part):
    """Where a bug was met: its name there, the server, and the public source that tells of it."""

    id: str
    server: str
    source: str


class Bug(Part):
    """One form in which servers depart from the contract.

    `play` are the faults that make a right reply to `endpoint` wrong in this way, for requests that stream
    (`stream` true), that do not (false), or both, whose path ends in a slash where `slash` is true; `when`
    are further conditions as scripts have them, and `otherwise` the faults of requests that do not meet
    those. `of` names the conforming fixture that shows it, changed by `shown` where `play` needs a server,
    and `breaks` the rules it breaks, its own first. A bug without `of` shows in several exchanges only, those
    of `cases`. `lawful` says why no rule is broken where clients fail on what the standards allow.
    """

    id: str
    title: str
    kind: str
    severity: Severity
    seen: Annotated[list[Seen], Field(min_length=1)]
    endpoint: Endpoint = "chat/completions"
    stream: bool | None = None
    slash: bool = False
    when: dict[str, Any] = {}
    play: Annotated[list[AnyFault], Field(min_length=1)]
    otherwise: list[AnyFault] = []
    of: str | None = None
    shown: list[AnyFault] | None = None
    breaks: list[str] = []
    cases: list[str] = []
    lawful: str = ""

    def faults_for(self, request: ApiRequest) -> Sequence[Fault]:
        """The faults of the reply to a request; none for a request that the bug is not about."""
        if self.slash and not request.slash:
            return ()
        if self.endpoint not in ("any", request.endpoint) or self.stream not in (None, request.streams):
            return ()
        meets = self._when is None or conditions.first_failure(self._when, request) is None
        return self.play if meets else self.otherwise

    @cached_property
    def _when(self) -> When | None:
        return book.parse_when(self.when, "bug")[0] if self.when else None

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers it was met in, each once."""
        return tuple(dict.fromkeys(sighting.server for sighting in self.seen))


class Waiting(Part):
    """A known bug that cannot be played, and why."""

    id: str
    title: str
    kind: str
    severity: Severity
    server: str
    source: str
    endpoint: str
    why: str


@cache
def bugs() -> Mapping[str, Bug]:
    """Every bug that can be played, by its id, in the order of the files."""
    found: dict[str, Bug] = {}
    for path in sorted(CATALOGUE.glob("*.yaml")):
        if path.stem != "waiting":
            for name, item in read_yaml(path).items():
                found[name] = Bug.model_validate({"id": name, "kind": path.stem, **item})
    return found


@cache
def waiting() -> Mapping[str, Waiting]:
    """The bugs that cannot be played yet, by id."""
    items = read_yaml(CATALOGUE / "waiting.yaml").items()
    return {name: Waiting.model_validate({"id": name, **item}) for name, item in items}


def find(name: Any) -> Bug:
    """The bug of this id, or of the id that one of its sources has. Raises BugError."""
    known = bugs()
    if not isinstance(name, str):
        raise BugError(f"a bug is named by its id, a string, not {str(name)[:50]!r}")
    if name in known:
        return known[name]
    other = next((bug for bug in known.values() if any(sighting.id == name for sighting in bug.seen)), None)
    if other is not None:
        return other
    if name in waiting():
        raise BugError(f"the bug {name!r} is known and cannot be played: {waiting()[name].why}")
    hint = did_you_mean(name, known, "`contract bugs` lists them")
    raise BugError(f"there is no bug {name[:100]!r}: {hint}")
