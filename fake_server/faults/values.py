"""Faults in the values of a reply: JSON members that are wrong, missing or superfluous, and their events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from fake_server.faults.base import Fault, NotPossible, Number, event_indexes, replace_body
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


class Json(Fault):
    """The values that the JSONPath `at` finds are changed, in the body or in every event, or only in the one numbered
    `event`. `where` limits this to JSON in which that path finds something. In new strings, `{event}` stands for the
    number of the event. What is done to each object that was found:

    - `set` sets members: `set: {model: null}`.
    - `remove` removes members: `remove: [created]`.
    - `rename` renames members: `rename: {content: text}`.
    - `parse` replaces JSON text by its value: with `parse: [arguments]`, `"{}"` becomes `{}`.
    - `double` sends strings twice: with `double: [content]`, `"Hi"` becomes `"HiHi"`.
    - `grow` prepends the strings of earlier events: with `grow: [content]`, `"a"`, `"b"` become `"a"`, `"ab"`.
    - `repeat` fills in a missing member with its last value in an earlier event: `repeat: [role]`.
    - `scale` multiplies numbers: with `scale: {created: 1000}`, seconds become milliseconds.
    - `count` adds so much times the number of the event: `count: {created: 1}` adds 1, 2, 3 to three events.

    And to each value of any kind:

    - `value` replaces it: `at: $.choices, value: []`.
    - `unwrap` replaces an object by one of its members: with `at: $.choices[*], unwrap: delta`, each choice becomes
      its delta.
    - `drop` removes it: `at: $.choices[0], drop: true`.
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
        earlier: dict[str, Any] = {}

        def edit(document: Any, number: int) -> Any:
            return self._edit(document, number, earlier)

        return change_values(delivery, edit, self.event, f"there is nothing at {self.at}")

    def _edit(self, document: Any, number: int, earlier: dict[str, Any]) -> Any:
        """The document after the edit, None if nothing is found; `earlier` has values of earlier events."""
        if self.where is not None and not find_nodes(self.where, document):
            return None
        nodes = find_nodes(self.at, document)
        for node in reversed(nodes):  # the last first, so that the locations of the others stay right
            document = self._edit_node(document, node, number, earlier)
        return document if nodes else None

    def _edit_node(self, document: Any, node: Any, number: int, earlier: dict[str, Any]) -> Any:
        if isinstance(node.value, dict):
            self._edit_members(node.value, number, earlier)
        if self.drop:
            return replace_at(document, node.location, None, drop=True)
        if self.unwrap is not None and isinstance(node.value, dict) and self.unwrap in node.value:
            return replace_at(document, node.location, node.value[self.unwrap])
        if "value" in self.model_fields_set:
            return replace_at(document, node.location, _with_number(self.value, number))
        return document

    def _edit_members(self, members: dict[str, Any], number: int, earlier: dict[str, Any]) -> None:
        for name in self.remove:
            members.pop(name, None)
        renamed = [(self.rename.get(name, name), value) for name, value in members.items()]
        members.clear()
        members.update(renamed)
        members.update(_with_number(self.set, number))
        for name in self.parse:
            if isinstance(members.get(name), str):
                members[name] = _value(members[name].encode(), members[name])
        for name in self.double:
            if isinstance(members.get(name), str):
                members[name] *= 2
        for name in self.grow:
            if isinstance(members.get(name), str):
                members[name] = earlier[name] = earlier.get(name, "") + members[name]
        for name in self.repeat:
            earlier[name] = members.setdefault(name, earlier.get(name))
        for name, by in self.scale.items():
            if isinstance(members.get(name), int | float):
                members[name] = members[name] * by
        for name, step in self.count.items():
            if isinstance(members.get(name), int | float):
                members[name] = members[name] + step * number


class DropEvents(Fault):
    """All events in which the JSONPath `where` finds something are missing."""

    fault: Literal["drop-events"] = "drop-events"
    where: Path = "$.usage"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = event_indexes(delivery, writes)
        dropped = {place for place in places if find_nodes(self.where, parse_event(writes[place]))}
        if not dropped:
            raise NotPossible(f"there is nothing at {self.where}")
        return replace_body(delivery, [write for index, write in enumerate(writes) if index not in dropped])


class RepeatEvents(Fault):
    """All events in which the JSONPath `where` finds something are sent again, after the last of them."""

    fault: Literal["repeat-events"] = "repeat-events"
    where: Path = "$.usage"

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = [at for at in event_indexes(delivery, writes) if find_nodes(self.where, parse_event(writes[at]))]
        if not places:
            raise NotPossible(f"there is nothing at {self.where}")
        again = [Write(writes[at].data) for at in places]
        return replace_body(delivery, [*writes[: places[-1] + 1], *again, *writes[places[-1] + 1 :]])


class InsertEvent(Fault):
    """`text` is inserted after the event numbered `after`: 0 is before the first, -1 after the last."""

    fault: Literal["insert-event"] = "insert-event"
    text: Annotated[str, Field(max_length=100_000)] = "data: null\n\n"
    after: Number = 1

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = event_indexes(delivery, writes)
        number = self.after if self.after >= 0 else len(places) + 1 + self.after
        if not 0 <= number <= len(places):
            raise NotPossible(f"the stream has {len(places)} events, not {abs(self.after)}")
        place = places[number - 1] + 1 if number else 0
        return replace_body(delivery, [*writes[:place], Write(self.text.encode()), *writes[place:]])


class Rewrite(Fault):
    """The text `find` is replaced by `by`, in the whole body or in the event numbered `event`.

    `count` limits the replacements within each write; 0 is no limit.
    """

    fault: Literal["rewrite"] = "rewrite"
    find: Annotated[str, Field(min_length=1, max_length=1000)] = "data: "
    by: Annotated[str, Field(max_length=10_000)] = "data: data: "
    event: Number | None = None
    count: Annotated[int, Field(ge=0, le=1000)] = 0

    def apply(self, delivery: Delivery) -> Delivery:
        writes = list(delivery.writes)
        places = list(range(len(writes))) if self.event is None else _index_of_numbered(delivery, writes, self.event)
        changes = False
        for place in places:
            data = writes[place].data
            changed = data.replace(self.find.encode(), self.by.encode(), self.count or -1)
            changes = changes or changed != data
            writes[place] = Write(changed, writes[place].pause)
        if not changes:
            raise NotPossible(f"the reply has no {self.find[:40]!r}")
        return replace_body(delivery, writes)


def change_values(delivery: Delivery, change: Callable[[Any, int], Any], event: int | None, problem: str) -> Delivery:
    """Change the JSON value of the body, or of each event of a stream, or of the event numbered `event` only.

    `change` takes a value, which it may change in place, and the number of its event, counted from 1 (1 for a body);
    it returns the new value, or None to leave it as it was. Events without JSON, such as `[DONE]`, are not counted.
    Raises NotPossible with the text `problem` if nothing was changed.
    """
    writes = list(delivery.writes)
    if not delivery.streams:
        body = b"".join(write.data for write in writes)
        changed = change(_value(body), 1)
        if changed is None:
            raise NotPossible(problem)
        return replace_body(delivery, [Write(_text(changed), writes[0].pause if writes else 0.0)])
    places = [place for place in event_indexes(delivery, writes) if parse_event(writes[place]) is not None]
    chosen = places if event is None else [places[at] for at in _numbers(event, len(places))]
    changes = False
    for place in chosen:
        changed = change(parse_event(writes[place]), places.index(place) + 1)
        if changed is not None:
            changes = True
            writes[place] = Write(_DATA + _text(changed) + b"\n\n", writes[place].pause)
    if not changes:
        raise NotPossible(problem)
    return replace_body(delivery, writes)


def _index_of_numbered(delivery: Delivery, writes: list[Write], number: int) -> list[int]:
    places = event_indexes(delivery, writes)
    return [places[at] for at in _numbers(number, len(places))]


def _numbers(number: int, count: int) -> Iterator[int]:
    at = number - 1 if number > 0 else count + number
    if not 0 <= at < count:
        raise NotPossible(f"the stream has {count} events of this kind, not {abs(number)}")
    yield at


def parse_event(write: Write) -> Any:
    """Parse the `data:` of an event as JSON; None if it is no JSON, such as `[DONE]`."""
    return _value(write.data[len(_DATA) :].strip()) if write.data.startswith(_DATA) else None


def _value(data: bytes, otherwise: Any = None) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return otherwise


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def find_nodes(path: str, value: Any) -> list[Any]:
    """Find the nodes of a JSON value by a JSONPath; a path that cannot be followed finds none.

    A node has `value` and `location`, the keys and indexes from the root, which `replace_at` takes. Replace several
    nodes from the last to the first, so that the locations of the others stay right.
    """
    import jsonpath_rfc9535 as jsonpath

    try:
        return list(jsonpath.compile(path).find(value))
    except (jsonpath.JSONPathError, RecursionError):
        return []


def replace_at(document: Any, location: tuple[Any, ...], value: Any, drop: bool = False) -> Any:
    """Put a value at a location of a document, or remove what is there if `drop` is true; returns the document.

    The document is changed in place, but at the root `()` the value itself is returned.
    """
    if not location:
        return value
    holder = document
    for step in location[:-1]:
        holder = holder[step]
    if drop:
        del holder[location[-1]]
    else:
        holder[location[-1]] = value
    return document


def _with_number(value: Any, number: int) -> Any:
    """The value with `{event}` replaced in its strings."""
    if isinstance(value, str):
        return value.replace("{event}", str(number))
    if isinstance(value, dict):
        return {name: _with_number(item, number) for name, item in value.items()}
    return [_with_number(item, number) for item in value] if isinstance(value, list) else value
