"""The genuine corpus: recordings of the real API, and only such changes as no recording of it shows."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from contract_tests.lab.mutation.corpora.forms import ENOUGH, Context, Forms, Item, items
from contract_tests.lab.mutation.corpora.order import Order
from contract_tests.lab.mutation.json_paths import Path
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.catalogue import KINDS
from contract_tests.lab.mutation.operators.events import EVENTS
from contract_tests.lab.mutation.operators.kind import Kind, Site
from contract_tests.lab.mutation.operators.members import MEMBERS
from contract_tests.lab.mutation.reply import Reply, read_reply
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange

RECORDINGS = "recordings/openai.jsonl"
"""The genuine recordings, in the folder of shared files."""

OPERATORS: tuple[tuple[Kind, str], ...] = tuple((kind, name) for kind in KINDS for name in kind.operators)
"""Every operator with its kind, in the order in which they take turns."""

_OF_SHAPE = ("retype", "null", "drop", "rename", "drop-event", "double-event", "move-event", "tool-index")
"""Operators whose result may be a form that genuine replies have: then nothing is broken."""

_MOST = 60
"""How many sites of one stratum are tried where a reply has many of them."""

Stratum = tuple[str, str, Context]
"""(form, shape of the site, role): mutants are drawn evenly over these, so that rare places are not lost."""


class Recorded(Protocol):
    """What a recording has to offer: its exchange, labelled with the recording's id."""

    @property
    def exchange(self) -> Exchange: ...


class GenuineCorpus:
    """Every genuine reply that can be read, and what all of them together show.

    All recordings teach what is genuine; those of endpoints that the contract judges are mutated.
    """

    def __init__(self, recordings: Iterable[Recorded]) -> None:
        known = [reply for recording in recordings if _teaches(reply := read_reply(recording.exchange))]
        self.forms = Forms()
        self.forms.learn(known)
        self.replies = [reply for reply in known if View(reply.exchange).endpoint]
        self.order = Order(reply for reply in self.replies if reply.is_stream)
        self.media_types = {(reply.form, reply.exchange.media_type) for reply in self.replies}
        self._sites: dict[str, dict[Stratum, list[tuple[Reply, Site]]]] = {}

    def is_genuine(self, exchange: Exchange) -> bool:
        """Whether genuine recordings have this very form, so that nothing is broken."""
        reply = read_reply(exchange)
        if not _teaches(reply) or not self.forms.knows(reply):
            return False
        return not reply.is_stream or self.order.knows(reply)

    def draw(self, seed: int, count: int) -> Iterator[Mutant]:
        """Up to `count` different mutants, the same for the same seed.

        Operators take turns; one that has nothing left drops out.
        """
        sources = {operator: self._mutants(*operator, seed) for operator in OPERATORS}
        seen: set[tuple[str, str, str, str]] = set()
        while sources and count > 0:
            for operator, source in list(sources.items())[:count]:
                for mutant in source:
                    key = (mutant.original.label, mutant.operator, mutant.where, mutant.after)
                    if key not in seen:
                        seen.add(key)
                        yield mutant
                        count -= 1
                        break
                else:
                    del sources[operator]

    def _mutants(self, kind: Kind, operator: str, seed: int) -> Iterator[Mutant]:
        """The mutants of one operator, drawn evenly over strata, for as long as there are any."""
        dice = random.Random(f"{seed}:{operator}")
        left = {
            stratum: self._of_stratum(kind, operator, stratum, seed)
            for stratum in self._strata(kind)
            if kind is not MEMBERS or self._breaks_form(operator, stratum)
        }
        while left:
            order = list(left)
            dice.shuffle(order)
            for stratum in order:
                mutant = next(left[stratum], None)
                if mutant is not None:
                    yield mutant
                else:
                    del left[stratum]

    def _of_stratum(self, kind: Kind, operator: str, stratum: Stratum, seed: int) -> Iterator[Mutant]:
        """The mutants of one stratum, one of each site in turn."""
        sites = self._strata(kind)[stratum]
        most = _MOST if kind in (MEMBERS, EVENTS) else len(sites)
        sites = random.Random(f"{seed}:{operator}:{stratum}").sample(sites, min(most, len(sites)))
        witnesses = self.forms.witnesses[stratum[:2]] if kind is MEMBERS else None
        fresh = ((reply, site, kind.mutants(reply, site, seed, operator)) for reply, site in sites)
        again: deque[tuple[Reply, Site, Iterator[Mutant]]] = deque()
        while (entry := next(fresh, None) or (again.popleft() if again else None)) is not None:
            reply, site, mutants = entry
            for mutant in mutants:
                if not self._is_form(kind, reply, site, mutant, seed):
                    again.append(entry)
                    yield replace(mutant, witnesses=witnesses)
                    break

    def _strata(self, kind: Kind) -> dict[Stratum, list[tuple[Reply, Site]]]:
        """The sites of a kind in all replies, by stratum, in an order that depends on nothing else."""
        if kind.name not in self._sites:
            found: dict[Stratum, list[tuple[Reply, Site]]] = defaultdict(list)
            for reply in self.replies:
                objects = {(index, item.path): item for index, item in items(reply)}
                for site in kind.sites(reply):
                    role = _role(objects, site.event, site.path) if kind is MEMBERS else ()
                    found[reply.form, site.shape, role].append((reply, site))
            self._sites[kind.name] = {stratum: found[stratum] for stratum in sorted(found, key=repr)}
        return self._sites[kind.name]

    def _breaks_form(self, operator: str, stratum: Stratum) -> bool:
        """Whether the operator makes of every site of a stratum what no genuine reply has there."""
        form, place, role = stratum
        parent, _, member = place.rpartition(".")
        kinds = self.forms.kinds[form, place]
        if operator in ("drop", "rename"):
            return self.forms.always((form, parent, member, role))
        if operator == "null" and not (place == "" or place.endswith("[]")):
            return self.forms.never_null((form, parent, member, role))
        if operator in ("drop-item", "duplicate-item", "reorder"):  # a few lists say little about all of them
            return self.forms.witnesses[form, place] >= ENOUGH
        kind = operator.removeprefix("retype-")
        return kind not in kinds and not (kind == "integer" and "fraction" in kinds)

    def _is_form(self, kind: Kind, reply: Reply, site: Site, mutant: Mutant, seed: int) -> bool:
        """Whether a mutant has a form that genuine replies have.

        Members that nobody knows are free: a member under another name is missing under its own.
        """
        if mutant.operator == "content-type":
            return (reply.form, mutant.exchange.media_type) in self.media_types
        if not mutant.operator.startswith(_OF_SHAPE) or mutant.operator == "drop-item":
            return False
        if mutant.operator == "rename":
            mutant = next(kind.mutants(reply, site, seed, "drop"))
        return self.is_genuine(mutant.exchange)


def _teaches(reply: Reply) -> bool:
    """Whether a reply shows what genuine replies look like: JSON, and an error object in a refusal."""
    if not reply.documents or not reply.form:
        return False
    if not reply.is_stream and not isinstance(reply.documents[0], dict):
        return False
    return reply.form != "errors" or "error" in reply.documents[0]


def _role(objects: dict[tuple[int, Path], Item], index: int, path: Path) -> Context:
    """The role of the object that holds a member; () for what is no member."""
    if not path or not isinstance(path[-1], str):
        return ()
    return objects[index, path[:-1]].context(path[-1])
