"""Loads the recordings to compare and pairs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path

from contract_tests.diffing.difference import Role, Side
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import InputError, Recording
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect, header

GENUINE_HOST = "api.openai.com"
MAX_RECORDINGS = 20_000


@dataclass(frozen=True)
class Pairs:
    """Pairs of sides, the labels without a counterpart, and what could not be sent, with the reason."""

    both: tuple[tuple[Side, Side], ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()


def load(name: str) -> list[Recording]:
    """The recordings of a file or folder. Raises InputError."""
    path = Path(name)
    if "://" in name:
        raise InputError(f"{name} is a URL; send it a case with --case ID, or record it and compare the recordings")
    if not path.exists():
        raise InputError(f"{name}: there is no such file or folder, and it is not the word `fake`")
    recordings = list(islice(read(path), MAX_RECORDINGS + 1))
    if len(recordings) > MAX_RECORDINGS:
        raise InputError(f"{name}: more than {MAX_RECORDINGS:,} recordings; compare parts of it")
    return recordings


def side_of(recording: Recording) -> Side:
    """The recording as a side; it is genuine if it says that it comes from api.openai.com."""
    host = header(recording.exchange.request.headers, "host") or ""
    genuine = recording.provider == "openai" or host.partition(":")[0] == GENUINE_HOST
    return Side(View(recording.exchange), Role.GENUINE if genuine else Role.OTHER)


def pair(a: Iterable[Side], b: Iterable[Side]) -> Pairs:
    """Pair two single recordings as they are; several by name, and the rest by request."""
    rest_a, rest_b = list(a), list(b)
    if len(rest_a) == len(rest_b) == 1:
        return Pairs(((rest_a[0], rest_b[0]),))
    both: list[tuple[Side, Side]] = []
    for key in (attrgetter("label"), _request):
        matched, rest_a, rest_b = _matched(rest_a, rest_b, key)
        both += matched
    return Pairs(tuple(both), tuple(side.label for side in rest_a), tuple(side.label for side in rest_b))


def _matched(
    a: list[Side], b: list[Side], key: Callable[[Side], Hashable | None]
) -> tuple[list[tuple[Side, Side]], list[Side], list[Side]]:
    """The sides of A and B with equal keys, in order, and the rest of both."""
    waiting: dict[Hashable, list[Side]] = {}
    for side in b:
        waiting.setdefault(key(side), []).append(side)
    waiting.pop(None, None)
    both, rest, taken = [], [], set()
    for side in a:
        others = waiting.get(key(side))
        if others:
            other = others.pop(0)
            taken.add(id(other))
            both.append((side, other))
        else:
            rest.append(side)
    return both, rest, [side for side in b if id(side) not in taken]


def _request(side: Side) -> Hashable | None:
    """The request, independent of JSON formatting; None if it was not recorded completely."""
    request = side.view.exchange.request
    if not side.view.knows(Aspect.REQUEST):
        return None
    value = request.json()
    try:
        body = request.body.decode("latin-1") if value is None else json.dumps(value, sort_keys=True)
    except RecursionError:
        return None
    return request.method, request.target, body
