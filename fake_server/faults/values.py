"""Faults in the values that are sent: JSON members that are wrong, missing or too many, events with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from fake_server.faults.base import Fault, NotPossible, events, with_body
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

_DATA = b"data: "


def _is_path(text: str) -> str:
    import jsonpath_rfc9535 as jsonpath  # it takes a while to import, and few faults have paths

    try:
        jsonpath.compile(text)
    except (jsonpath.JSONPathError, RecursionError) as error:
        reason = str(error).partition(", line")[0]
        raise PydanticCustomError("jsonpath", "must be a JSONPath, {reason}", {"reason": reason}) from None
    return text


Path = Annotated[str, Field(max_length=500), AfterValidator(_is_path)]
"""A JSONPath (RFC 9535)."""
Number = Annotated[int, Field(ge=-100_000, le=100_000)]


class Json(Fault):
    """Values are wrong where the JSONPath `at` finds them, in every event or in the one numbered `event`.

    `where` limits it to texts in which that path finds something. `set` puts members into each object found,
    `remove` takes some away, `rename` names some otherwise; `parse` turns members that hold JSON text into
    the value itself, `double` writes strings twice, `grow` writes what the events before it said as well, and
    `repeat` what the last of them said; `scale` multiplies numbers, `count` adds the number of the event so
    many times. `value` stands in place of what was found, `unwrap` puts one of its members there, and `drop`
    takes it out. In strings `{event}` is the number of the event.
    """

    fault: Literal["json"] = "json"
    at: Path = "$"
    where: Path | None = None
    event: Number | None = None
    set: dict[str, Any] = Field({})
    remove: list[str] = Field([])
    rename: dict[str, str] = Field({})
    parse: list[str] = Field([])
    double: list[str] = Field([])
    grow: list[str] = Field([])
    repeat: list[str] = Field([])
    scale: dict[str, int] = Field({})
    count: dict[str, int] = Field({})
    value: Any = None
    unwrap: str | None = None
    drop: bool = False

    def apply(self, delivery: Delivery) -> Delivery:
        said: dict[str, Any] = {}

        def edited(text: Any, number: int) -> Any:
            return self._edited(text, number, said)

        return _changed(delivery, edited, self.event, f"nothing stands at {self.at}")

    def _edited(self, text: Any, number: int, said: dict[str, Any]) -> Any:
        """The value after the edit, None where nothing is to be done; `said` is what earlier events said."""
        if self.where is not None and not find_nodes(self.where, text):
            return None
        nodes = find_nodes(self.at, text)
        for node in reversed(nodes):  # the last first, so that places stay what they are
            text = self._edit(text, node, number, said)
        return text if nodes else None

    def _edit(self, text: Any, node: Any, number: int, said: dict[str, Any]) -> Any:
        if isinstance(node.value, dict):
            self._members(node.value, number, said)
        if self.drop:
            return replace_at(text, node.location, None, drop=True)
        if self.unwrap is not None and isinstance(node.value, dict) and self.unwrap in node.value:
            return replace_at(text, node.location, node.value[self.unwrap])
        if "value" in self.model_fields_set:
            return replace_at(text, node.location, _numbered(self.value, number))
        return text

    def _members(self, members: dict[str, Any], number: int, said: dict[str, Any]) -> None:
        for name in self.remove:
            members.pop(name, None)
        renamed = [(self.rename.get(name, name), value) for name, value in members.items()]
        members.clear()
        members.update(renamed)
        members.update(_numbered(self.set, number))
        for name in self.parse:
            if isinstance(members.get(name), str):
                members[name] = _value(members[name].encode(), members[name])
        for name in self.double:
            if isinstance(members.get(name), str):
                members[name] *= 2
        for name in self.grow:
            if isinstance(members.get(name), str):
                members[name] = said[name] = said.get(name, "") + members[name]
        for name in self.repeat:
            said[name] = members.setdefault(name, said.get(name))
        for name, by in self.scale.items():
            if isinstance(members.get(name), int | float):
                members[name] = members[name] * by
        for name, step in self.count.items():
            if isinstance(members.get(name), int | float):
                members[name] = members[name] + step * number


class DropEvents(Fault):
    """Every event is missing in which the JSONPath `where` finds something."""

    fault: Literal["drop-events"] = "drop-events"
    where: Path = "$.usage"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = events(delivery, writes)
        gone = {place for place in places if find_nodes(self.where, _payload(writes[place]))}
        if not gone:
            raise NotPossible(f"nothing stands at {self.where}")
        return with_body(delivery, [write for index, write in enumerate(writes) if index not in gone])


class RepeatEvents(Fault):
    """Every event in which the JSONPath `where` finds something comes again, behind the last of them."""

    fault: Literal["repeat-events"] = "repeat-events"
    where: Path = "$.usage"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = [at for at in events(delivery, writes) if find_nodes(self.where, _payload(writes[at]))]
        if not places:
            raise NotPossible(f"nothing stands at {self.where}")
        again = [Write(writes[at].data) for at in places]
        return with_body(delivery, [*writes[: places[-1] + 1], *again, *writes[places[-1] + 1 :]])


class InsertEvent(Fault):
    """`text` stands behind the event numbered `after`: 0 is before the first, -1 behind the last."""

    fault: Literal["insert-event"] = "insert-event"
    text: Annotated[str, Field(max_length=100_000)] = "data: null\n\n"
    after: Number = 1

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = events(delivery, writes)
        number = self.after if self.after >= 0 else len(places) + 1 + self.after
        if not 0 <= number <= len(places):
            raise NotPossible(f"the stream has {len(places)} events, not {abs(self.after)}")
        place = places[number - 1] + 1 if number else 0
        return with_body(delivery, [*writes[:place], Write(self.text.encode()), *writes[place:]])


class Rewrite(Fault):
    """The text `find` is `by` instead, in the whole body or in the event numbered `event`.

    `count` is how often within a write, from its beginning; 0 is always.
    """

    fault: Literal["rewrite"] = "rewrite"
    find: Annotated[str, Field(min_length=1, max_length=1000)] = "data: "
    by: Annotated[str, Field(max_length=10_000)] = "data: data: "
    event: Number | None = None
    count: Annotated[int, Field(ge=0, le=1000)] = 0

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = (
            list(range(len(writes))) if self.event is None else _numbered_place(delivery, writes, self.event)
        )
        changes = False
        for place in places:
            data = writes[place].data
            changed = data.replace(self.find.encode(), self.by.encode(), self.count or -1)
            changes = changes or changed != data
            writes[place] = Write(changed, writes[place].pause)
        if not changes:
            raise NotPossible(f"the reply has no {self.find[:40]!r}")
        return with_body(delivery, writes)


def _changed(
    delivery: Delivery, change: Callable[[Any, int], Any], event: int | None, problem: str
) -> Delivery:
    writes = list(delivery.writes)
    if not delivery.streams:
        body = b"".join(write.data for write in writes)
        changed = change(_value(body), 1)
        if changed is None:
            raise NotPossible(problem)
        return with_body(delivery, [Write(_text(changed), writes[0].pause if writes else 0.0)])
    places = [place for place in events(delivery, writes) if _payload(writes[place]) is not None]
    chosen = places if event is None else [places[at] for at in _numbers(event, len(places))]
    changes = False
    for place in chosen:
        changed = change(_payload(writes[place]), places.index(place) + 1)
        if changed is not None:
            changes = True
            writes[place] = Write(_DATA + _text(changed) + b"\n\n", writes[place].pause)
    if not changes:
        raise NotPossible(problem)
    return with_body(delivery, writes)


def _numbered_place(delivery: Delivery, writes: list[Write], number: int) -> list[int]:
    places = events(delivery, writes)
    return [places[at] for at in _numbers(number, len(places))]


def _numbers(number: int, count: int) -> Iterator[int]:
    at = number - 1 if number > 0 else count + number
    if not 0 <= at < count:
        raise NotPossible(f"the stream has {count} events of this kind, not {abs(number)}")
    yield at


def _payload(write: Write) -> Any:
    """The JSON value of an event, None where it has none."""
    return _value(write.data[len(_DATA) :].strip()) if write.data.startswith(_DATA) else None


def _value(data: bytes, otherwise: Any = None) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return otherwise


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def find_nodes(path: str, value: Any) -> list[Any]:
    """What a JSONPath finds in a value: nodes with their `value` and `location`."""
    import jsonpath_rfc9535 as jsonpath

    try:
        return list(jsonpath.compile(path).find(value))
    except (jsonpath.JSONPathError, RecursionError):
        return []


def replace_at(text: Any, location: tuple[Any, ...], value: Any, drop: bool = False) -> Any:
    """The text with a value, or nothing, at a location; the whole text is replaced at the root."""
    if not location:
        return value
    holder = text
    for step in location[:-1]:
        holder = holder[step]
    if drop:
        del holder[location[-1]]
    else:
        holder[location[-1]] = value
    return text


def _numbered(value: Any, number: int) -> Any:
    """The value with `{event}` replaced in its strings."""
    if isinstance(value, str):
        return value.replace("{event}", str(number))
    if isinstance(value, dict):
        return {name: _numbered(one, number) for name, one in value.items()}
    return [_numbered(one, number) for one in value] if isinstance(value, list) else value
