"""A mutant, the reply it is made from, and the section that ought to see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from contract_tests.lab.mutation.genuine.reading import DATA, DONE, GAP, Path, Reply
from contract_tests.rules.catalogue import SECTIONS
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange

_OF_ENDPOINT = {"model": "models", "": "http"}
_OF_MEMBER = {
    **{section.name: section.name for section in SECTIONS},
    "tool_calls": "tools",
    "function_call": "tools",
    "error": "errors",
}
"""The section of what stands below a member; one that is named like a section belongs to it."""


@dataclass(frozen=True)
class Mutant:
    """An exchange with one thing changed.

    `section` ought to see it, `shape` is the place without its indexes, `where` the place itself; `before`
    and `after` show what changed there. `build` makes the exchange, so that only drawn mutants cost it.
    """

    section: str
    operator: str
    shape: str
    where: str
    original: Exchange = field(repr=False)
    build: Callable[[], Exchange] = field(repr=False)
    before: str = ""
    after: str = ""
    tag: str = ""

    @property
    def key(self) -> str:
        """What names it among all mutants, the same in every run; `tag` stands in where ids differ."""
        return "\n".join((self.original.label, self.operator, self.where, self.tag or self.after))

    @cached_property
    def exchange(self) -> Exchange:
        return self.build()

    @cached_property
    def view(self) -> View:
        return View(self.exchange)


@dataclass(frozen=True)
class Source:
    """A conforming exchange as mutants start from it; `reply` is None where its body is no JSON.

    Freedoms of the encoding (line ends, comments, gzip) are written plainly, so that a mutant differs in one
    thing alone.
    """

    exchange: Exchange
    reply: Reply | None

    @property
    def section(self) -> str:
        """The section that speaks of the whole reply."""
        return whole_section(View(self.exchange))

    def section_at(self, path: Path) -> str:
        """The section that speaks of a place in the JSON."""
        named = [_OF_MEMBER[step] for step in path if isinstance(step, str) and step in _OF_MEMBER]
        return named[-1] if named else self.section


def whole_section(view: View) -> str:
    """'errors' for a refusal, else the endpoint, `.stream` added where events come back."""
    if view.is_refusal:
        return "errors"
    name = _OF_ENDPOINT.get(view.endpoint, view.endpoint)
    return f"{name}.stream" if view.form == "events" else name


def source_of(exchange: Exchange) -> Source:
    """The exchange written plainly, and its documents where it has some."""
    view = View(exchange)
    if view.form == "events":
        blocks = tuple(DATA + one.text for one in view.payloads)
        documents = tuple(None if one == DONE else json.loads(one.removeprefix(DATA)) for one in blocks)
        plain = _plain(exchange, b"".join(block + GAP for block in blocks))
        return Source(plain, Reply(plain, "chunk", documents, blocks))
    plain = _plain(exchange, view.body)
    if view.form != "json" or not view.document.ok:
        return Source(plain, None)
    return Source(plain, Reply(plain, view.endpoint or "error", (json.loads(view.body),)))


def _plain(exchange: Exchange, body: bytes) -> Exchange:
    """The exchange with this body in one write, without content coding, its length as it is now."""
    if body == exchange.payload:
        return exchange
    headers = tuple(
        (name, str(len(body)) if name.lower() == "content-length" else value)
        for name, value in exchange.headers
        if name.lower() != "content-encoding"
    )
    return exchange.with_payload(body).but(headers=headers)
