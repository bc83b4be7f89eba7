"""Order: the sequence of steps in a stream, and the order of members in objects."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from contract_tests.diffing.difference import Difference, Kind, Side
from contract_tests.diffing.documents import documents
from contract_tests.diffing.forms import format_path
from contract_tests.diffing.sdk_types import ITEM, Path
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import Payload, View
from fake_server.wire.exchange import Aspect

_SHOWN_STEPS = 14
_MAX_OBJECTS = 20_000


def event_sequences(view: View) -> dict[str, list[str]]:
    """The sequence of steps of the stream, and of each choice if there are several."""
    sequences: dict[str, list[str]] = {"events": []}
    several = len(view.streamed) > 1
    for payload in view.payloads:
        steps = list(_steps(payload))
        for choice, step in steps:
            of_choice = several and choice is not None
            if of_choice:
                sequences.setdefault(f"choice {choice}", []).append(step)
        named = ["choices" if several and choice is not None else step for choice, step in steps]
        sequences["events"].append(" + ".join(dict.fromkeys(named)))
    return sequences


def _steps(payload: Payload) -> Iterator[tuple[int | None, str]]:
    """The steps in one event, each with the index of its choice."""
    root = payload.node
    if payload.done:
        yield None, "[DONE]"
    elif root.kind != "object":
        yield None, "no JSON object"
    elif root["error"]:
        yield None, "error"
    elif root["choices"].kind != "array":
        yield None, root["type"].text or root["object"].text or "no choices"
    else:
        for choice in root["choices"]:
            index = choice["index"].value
            yield (index if isinstance(index, int) else 0), _delta_members(choice)
        if root["usage"]:
            yield None, "usage"
        elif not root["choices"].value:
            yield None, "no choice"


def _delta_members(choice: Node) -> str:
    """The members that are not empty: those of the delta, the text, the finish."""
    delta = choice["delta"]
    members = delta.value if delta.kind == "object" else {}
    names = [str(name) for name, value in members.items() if value not in (None, "", [], {})]
    names += ["text"] if choice["text"].text else []
    names = sorted(names, key=lambda name: (name != "role", name))  # the order of members is compared elsewhere
    names += ["finish"] if choice["finish_reason"] else []
    return "+".join(names) or "nothing"


def collapse(steps: list[str]) -> list[tuple[str, int]]:
    """Each step with the number of times it comes in a row."""
    return [(step, sum(1 for _ in run)) for step, run in groupby(steps)]


def format_order(steps: list[str]) -> str:
    """'role → content ×37 → finish → [DONE]'."""
    parts = [step if number == 1 else f"{step} ×{number}" for step, number in collapse(steps)]
    if len(parts) > _SHOWN_STEPS:
        half = _SHOWN_STEPS // 2
        parts = [*parts[:half], f"… {len(parts) - 2 * half} more …", *parts[-half:]]
    return " → ".join(parts) or "nothing"


def differences(a: Side, b: Side) -> Iterator[Difference]:
    """The differences of order, between two streams and in JSON that was recorded as it was written."""
    if (a.view.form, b.view.form) == ("events", "events"):
        yield from _sequence_differences(a, b)
    if a.view.knows(Aspect.BODY_BYTES) and b.view.knows(Aspect.BODY_BYTES):
        yield from _member_differences(a, b)


def _sequence_differences(a: Side, b: Side) -> Iterator[Difference]:
    """The differences between the steps of two streams, apart from repetitions."""
    of_a, of_b = event_sequences(a.view), event_sequences(b.view)
    for name in dict.fromkeys((*of_a, *of_b)):
        steps_a, steps_b = of_a.get(name, []), of_b.get(name, [])
        if [step for step, _ in collapse(steps_a)] != [step for step, _ in collapse(steps_b)]:
            yield Difference(Kind.ORDER, name, format_order(steps_a), format_order(steps_b))


def _member_differences(a: Side, b: Side) -> Iterator[Difference]:
    """Objects whose common members are in a different order."""
    found_a, found_b = documents(a.view), documents(b.view)
    for name in found_a:
        orders_a, orders_b = _orders(found_a[name]), _orders(found_b.get(name, []))
        for path, order in orders_a.items():
            names = set(order).intersection(orders_b.get(path, ()))
            common = [name for name in order if name in names]
            other = [name for name in orders_b.get(path, ()) if name in names]
            if common != other:
                where = f"members of {format_path(path) or f'the {name}'}"
                yield Difference(Kind.ORDER, where, *_trim_common_ends(common, other))


def _trim_common_ends(a: list[str], b: list[str]) -> tuple[str, str]:
    """Both orders without their common start and end."""
    start = next(i for i, pair in enumerate(zip(a, b, strict=True)) if pair[0] != pair[1])
    stop = len(a) - next(i for i, pair in enumerate(zip(a[::-1], b[::-1], strict=True)) if pair[0] != pair[1])
    return ", ".join(a[start:stop]), ", ".join(b[start:stop])


def _orders(values: list[Any]) -> dict[Path, list[str]]:
    """The members of the object with the most members at each path, in their order."""
    orders: dict[Path, list[str]] = {}
    waiting: list[tuple[Path, Any]] = [((), value) for value in reversed(values)]
    for _ in range(_MAX_OBJECTS):
        if not waiting:
            break
        path, value = waiting.pop()
        if isinstance(value, dict):
            if len(value) > len(orders.get(path, ())):
                orders[path] = list(value)
            waiting += [((*path, name), inner) for name, inner in value.items() if isinstance(inner, dict | list)]
        elif isinstance(value, list):
            waiting += [((*path, ITEM), inner) for inner in value if isinstance(inner, dict | list)]
    return orders
