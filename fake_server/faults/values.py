"""Faults in the values of a reply: JSON members that are wrong, missing or superfluous, and their events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal

from pydantic import Field

from fake_server.faults.base import (
    DATA,
    Edit,
    NotPossible,
    Number,
    bounded_text,
    encode,
    event_indexes,
    parse_event,
    parse_json,
)
from fake_server.faults.places import Path, find_nodes, replace_at
from fake_server.faults.spacing import in_any_spacing
from fake_server.wire.budget import check_room, spend
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Write

_GROWN = "its reply, which faults make larger,"


class Json(Edit):
    """The values that the JSONPath `at` finds are changed, in the body or in every event, or only in the one numbered
    `event`, or in events `of` a type. `where` limits this to JSON in which that path finds something. In new strings,
    `{event}` stands for the number of the event. What is done to each object that was found:

    - `set` sets members: `set: {model: null}`.
    - `copy` copies members under another name: with `at: $.choices[*], copy: {delta: message}`, each choice has both.
    - `remove` removes members: `remove: [created]`.
    - `rename` renames members: `rename: {content: text}`.
    - `parse` replaces JSON text by its value: with `parse: [arguments]`, `"{}"` becomes `{}`.
    - `double` sends strings twice: with `double: [content]`, `"Hi"` becomes `"HiHi"`.
    - `grow` prepends the strings of earlier events: with `grow: [content]`, `"a"`, `"b"` become `"a"`, `"ab"`.
    - `repeat` fills in a missing member with its last value in an earlier event: `repeat: [role]`.
    - `scale` multiplies numbers: with `scale: {created: 1000}`, seconds become milliseconds.
    - `count` adds this amount times the event's number: `count: {created: 1}` adds 1, 2, 3 to three events.

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
    of: str | None = None
    set: dict[str, Any] = Field({})
    copy_: dict[str, str] = Field({}, alias="copy")
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

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        earlier: dict[str, Any] = {}  # values of earlier events
        written = len(json.dumps(self.to_dict()))

        def change(document: Any, number: int) -> Any:
            if self.where is not None and not find_nodes(self.where, document):
                return None
            nodes = find_nodes(self.at, document)
            check_room(len(nodes) * written, _GROWN)  # what is set at each of them
            for node in reversed(nodes):  # the last first, so that the locations of the others stay right
                document = self._edit_node(document, node, number, earlier)
            return document if nodes else None

        return change_values(delivery, writes, change, self.event, f"there is nothing at {self.at}", self.of)

    def _edit_node(self, document: Any, node: Any, number: int, earlier: dict[str, Any]) -> Any:
        if isinstance(node.value, dict):
            self._edit_members(node.value, number, earlier)
        if self.drop:
            return replace_at(document, node.parts, None, drop=True)
        if self.unwrap is not None and isinstance(node.value, dict) and self.unwrap in node.value:
            return replace_at(document, node.parts, node.value[self.unwrap])
        if "value" in self.model_fields_set:
            return replace_at(document, node.parts, _with_number(self.value, number))
        return document

    def _edit_members(self, members: dict[str, Any], number: int, earlier: dict[str, Any]) -> None:
        members.update({new: _copy(members[name]) for name, new in self.copy_.items() if name in members})
        for name in self.remove:
            members.pop(name, None)
        renamed = [(self.rename.get(name, name), value) for name, value in members.items()]
        members.clear()
        members.update(renamed)
        members.update(_with_number(self.set, number))
        for name in _of_type(str, members, self.parse):
            members[name] = parse_json(members[name].encode(), members[name])
        for name in _of_type(str, members, self.double):
            check_room(len(members[name]), _GROWN)
            members[name] *= 2
        for name in _of_type(str, members, self.grow):
            check_room(len(earlier.get(name, "")), _GROWN)
            members[name] = earlier[name] = earlier.get(name, "") + members[name]
        for name in self.repeat:
            earlier[name] = members.setdefault(name, earlier.get(name))
            spend(1, _GROWN)
        try:
            for name in _of_type(int | float, members, self.scale):
                members[name] *= self.scale[name]
            for name in _of_type(int | float, members, self.count):
                members[name] += self.count[name] * number
        except OverflowError as error:
            raise NotPossible(f"a number is too large: {error}") from None


class _Chosen(Edit):
    where: Path = "$.usage"
    of: str | None = None

    def find(self, delivery: Delivery, writes: list[Write]) -> list[int]:
        """The indexes of the events that are meant. Raises NotPossible if there are none."""
        found = event_indexes(delivery, writes, self.of)
        if self.of is None or "where" in self.model_fields_set:
            found = [place for place in found if find_nodes(self.where, parse_event(writes[place]))]
        if not found:
            raise NotPossible(f"there is nothing at {self.where}" if self.of is None else "there is no such event")
        return found


class DropEvents(_Chosen):
    """All events in which the JSONPath `where` finds something are missing, or all those `of` a type."""

    fault: Literal["drop-events"] = "drop-events"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        dropped = set(self.find(delivery, writes))
        return [write for index, write in enumerate(writes) if index not in dropped]


class RepeatEvents(_Chosen):
    """All events in which the JSONPath `where` finds something, or all those `of` a type, are sent again, after the
    last of them.
    """

    fault: Literal["repeat-events"] = "repeat-events"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        places = self.find(delivery, writes)
        again = [Write(writes[at].data) for at in places]
        return [*writes[: places[-1] + 1], *again, *writes[places[-1] + 1 :]]


class InsertEvent(Edit):
    """`text` is inserted after the event numbered `after`: 0 is before the first, -1 after the last; `of` counts the
    events of a type only.
    """

    fault: Literal["insert-event"] = "insert-event"
    text: Annotated[str, *bounded_text(0, 100_000)] = "data: null\n\n"
    after: Number = 1
    of: str | None = None

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        places = event_indexes(delivery, writes, self.of)
        number = self.after if self.after >= 0 else len(places) + 1 + self.after
        if not 0 <= number <= len(places):
            raise NotPossible(f"the stream has {len(places)} events, not {abs(self.after)}")
        place = places[number - 1] + 1 if number else 0
        return [*writes[:place], Write(encode(self.text)), *writes[place:]]


class Rewrite(Edit):
    """The text `find` is replaced by `by`, in the whole body, in the event numbered `event`, or in events `of` a type.

    Where `find` is JSON, or a piece of it, the reply may have other white space between its parts.
    `count` limits the replacements within each write; 0 is no limit.
    """

    fault: Literal["rewrite"] = "rewrite"
    find: Annotated[str, *bounded_text(1, 1000)] = "data: "
    by: Annotated[str, *bounded_text(0, 10_000)] = "data: data: "
    event: Number | None = None
    of: str | None = None
    count: Annotated[int, Field(ge=0, le=1000)] = 0

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        places: Iterable[int] = range(len(writes))
        if self.event is not None or self.of is not None:
            places = event_indexes(delivery, writes, self.of)
        if self.event is not None:
            places = [_numbered(list(places), self.event)]
        changed = list(writes)
        find, by = in_any_spacing(self.find), encode(self.by)
        grown = 0
        for place in places:
            data = writes[place].data
            found = islice(find.finditer(data), self.count or None)
            grown += sum(max(len(by) - len(match[0]), 0) for match in found)
            check_room(grown, _GROWN)
            changed[place] = Write(find.sub(lambda _: by, data, self.count), writes[place].pause)
        if changed == writes:
            raise NotPossible(f"the reply has no {self.find[:40]!r}")
        return changed


def change_values(
    delivery: Delivery,
    writes: list[Write],
    change: Callable[[Any, int], Any],
    event: int | None,
    problem: str,
    of: str | None = None,
) -> list[Write]:
    """Change the JSON value of the body, or of each event of a stream (`of` a type), or of that numbered `event` only.

    `change` takes a value, which it may change in place, and the number of its event, counted from 1 (1 for a body);
    it returns the new value, or None to leave it as it was. Events without JSON, such as `[DONE]`, are not counted.
    Raises NotPossible with the text `problem` if nothing was changed.
    """
    if not delivery.streams:
        body = b"".join(write.data for write in writes)
        changed = change(parse_json(body), 1)
        if changed is None:
            raise NotPossible(problem)
        return [Write(_text(changed), writes[0].pause if writes else 0.0)]
    numbers: dict[int, int] = {}
    for place in event_indexes(delivery, writes, of):
        if parse_event(writes[place]) is not None:
            numbers[place] = len(numbers) + 1
    chosen = list(numbers) if event is None else [_numbered(list(numbers), event)]
    changes, grown = False, 0
    for place in chosen:
        changed = change(parse_event(writes[place]), numbers[place])
        if changed is not None:
            changes = True
            head = DATA.match(writes[place].data)
            data = (head[0] if head else b"data: ") + _text(changed) + b"\n\n"
            grown += len(data) - len(writes[place].data)
            check_room(grown, _GROWN)
            writes[place] = Write(data, writes[place].pause)
    if not changes:
        raise NotPossible(problem)
    return writes


def _numbered(places: list[int], number: int) -> int:
    """The place of an event: 1 is the first of these, -1 the last."""
    at = number - 1 if number > 0 else len(places) + number
    if not 0 <= at < len(places):
        raise NotPossible(f"the stream has {len(places)} events of this kind, not {abs(number)}")
    return places[at]


def _text(value: Any) -> bytes:
    try:
        return encode(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    except (ValueError, RecursionError) as error:  # a number of more digits than Python writes
        raise NotPossible(f"its JSON cannot be written: {error}") from None


def _copy(value: Any) -> Any:
    """A deep copy, for which there is room."""
    size = len(_text(value))
    check_room(size, _GROWN)
    spend(size // 20, _GROWN)
    return deepcopy(value)


def _of_type(kind: type | UnionType, members: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """The names of members that have this type when their turn comes."""
    return (name for name in names if isinstance(members.get(name), kind))


def _with_number(value: Any, number: int) -> Any:
    """The value with `{event}` replaced in its strings."""
    if isinstance(value, str):
        return value.replace("{event}", str(number))
    if isinstance(value, dict):
        return {name: _with_number(item, number) for name, item in value.items()}
    return [_with_number(item, number) for item in value] if isinstance(value, list) else value
