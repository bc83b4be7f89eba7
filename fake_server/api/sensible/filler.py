"""Make a value for a JSON Schema: candidates are proposed, and the first valid one is taken.

Candidates come from the user's text if a member's name hints at one, or else from the schema. Depth, sizes
and steps are bounded: a schema that asks for a million items, or that nests endlessly, costs no more than
a large one, and gets the closest value within the bounds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from fake_server.api.sensible import hints, regex_example, scalars, schemas
from fake_server.api.sensible.fits import SchemaRoot
from fake_server.wire import patterns

MAX_STEPS = 20_000
MAX_DEPTH = 30
MAX_ITEMS = 1000
MAX_MEMBERS = 5000
CHARACTERS_A_STEP = 50
GENEROUS_DEPTH = 2
TRIES = 12


def fill(schema: Any, text: str = "", seed: int = 0, salt: int = 0, notes: str = "") -> Any:
    """Make a value for the schema, from `text` where names hint at it, or where `notes` state a value.

    Never raises; time is bounded.
    """
    return _Filler(schema, text[: hints.MAX_TEXT], seed, notes[: hints.MAX_NOTES]).make_value(schema, "", 0, salt)


class _Filler:
    def __init__(self, schema: Any, text: str, seed: int, notes: str) -> None:
        self.root = SchemaRoot(schema, MAX_STEPS)
        self.text = text
        self.notes = notes
        self.seed = seed
        self.numbers = hints.find_numbers(text)
        self.text_object = hints.find_json_object(text)

    def make_value(self, schema: Any, name: str, depth: int, salt: int = 0) -> Any:
        """The first valid candidate, or else the first one."""
        first: list[Any] = []
        for candidate in islice(self._candidates(schema, name, depth, salt), TRIES):
            if self.root.fits(candidate, schema):
                return candidate
            first = first or [candidate]
        if salt:
            return self.make_value(schema, name, depth, 0)
        return first[0] if first else None

    def _candidates(self, schema: Any, name: str, depth: int, salt: int) -> Iterator[Any]:
        if schema is False:
            return
        if not isinstance(schema, Mapping):
            schema = {}
        if not self.root.spend() or depth > MAX_DEPTH:
            yield from self._smallest(schema)
            return
        schema = self.root.resolve(schema)
        if schema is False:
            return
        if name in self.text_object and not salt:
            value, form = self.text_object[name], str(schema.get("format") or "")
            if not isinstance(value, str) or hints.has_format(value, form):
                yield value
        if "const" in schema:
            yield schema["const"]
            return
        for key in ("anyOf", "oneOf"):
            if schemas.get_list(schema, key):
                yield from self._branch_candidates(schema, key, name, depth, salt)
                return
        if schemas.get_list(schema, "allOf"):
            yield from self._merged_candidates(schema, name, depth, salt)
            return
        if "if" in schema:
            rest = {key: value for key, value in schema.items() if key not in ("if", "then", "else")}
            yes = schemas.merge(schemas.merge(rest, schema["if"]), schema.get("then", {}))
            for branch in (yes, schemas.merge(rest, schema.get("else", {}))):
                yield from islice(self._candidates(branch, name, depth + 1, salt), TRIES // 2)
            return
        if isinstance(schema.get("enum"), list):
            yield from self._enum_candidates(schema["enum"], salt)
            return
        kinds = schemas.get_types(schema)
        for kind in sorted(kinds, key="null".__eq__) or ["string"]:
            yield from self._candidates_of_type(kind, schema, name, depth, salt)

    def _candidates_of_type(
        self, kind: str, schema: Mapping[str, Any], name: str, depth: int, salt: int
    ) -> Iterator[Any]:
        examples = [schema["default"]] if "default" in schema else []
        examples += schemas.get_list(schema, "examples")[:3]
        suggested = iter(examples if not salt else examples[salt : salt + 1])
        if kind == "object":
            yield from self._object_candidates(schema, depth, salt)
        elif kind == "array":
            yield from self._array_candidates(schema, name, depth, salt)
        elif kind in ("integer", "number"):
            if not salt:
                yield from self._take_numbers(schema, kind)
            yield from suggested
            yield from scalars.number_candidates(schema, kind, salt)
        elif kind == "boolean":
            yield from suggested
            yield from ([True, False] if salt % 2 == 0 else [False, True])
        elif kind == "null":
            yield None
        else:
            found_texts = self._find_texts(schema, name)
            candidates = self._text_candidates(schema, name, found_texts, salt)
            first = next(candidates, "")
            if first in found_texts:
                yield first
            yield from suggested
            yield first
            yield from candidates

    def _find_texts(self, schema: Mapping[str, Any], name: str) -> list[str]:
        """What the text, or else the notes, say for a member of this name."""
        form = schema.get("format")
        found_texts = list(hints.texts_for(name, self.text, form if isinstance(form, str) else ""))
        return found_texts if form or not self.notes else [*found_texts, *hints.stated_values(name, self.notes)]

    def _text_candidates(
        self, schema: Mapping[str, Any], name: str, found_texts: Iterable[str], salt: int
    ) -> Iterator[str]:
        """Propose strings; long ones take more steps."""
        for text in scalars.text_candidates(schema, name, found_texts, salt, self.seed):
            self.root.spend(len(text) // CHARACTERS_A_STEP)
            yield text

    def _branch_candidates(
        self, schema: Mapping[str, Any], key: str, name: str, depth: int, salt: int
    ) -> Iterator[Any]:
        """Candidates of each alternative; scalars first if deeply nested, else null last."""
        rest = {other: value for other, value in schema.items() if other != key}
        branches = [schemas.merge(self.root.resolve(rest), self.root.resolve(branch)) for branch in schema[key][:50]]

        def comes_last(branch: Mapping[str, Any]) -> bool:
            kinds = schemas.get_types(branch)
            if depth > GENEROUS_DEPTH:
                return not kinds or not {"object", "array"}.isdisjoint(kinds)
            return kinds == ["null"]

        possible = sorted((branch for branch in branches if branch is not False), key=comes_last)
        for branch in _rotate(possible, salt):
            yield from islice(self._candidates(branch, name, depth + 1, salt), 4)

    def _merged_candidates(self, schema: Mapping[str, Any], name: str, depth: int, salt: int) -> Iterator[Any]:
        merged: Any = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"][:50]:
            merged = schemas.merge(merged, self.root.resolve(part))
        yield from self._candidates(merged, name, depth + 1, salt)

    def _enum_candidates(self, members: list[Any], salt: int) -> list[Any]:
        """The values of an enum, starting with one that the user's text names."""
        if salt:
            return _rotate(members, salt)
        text_words = f" {' '.join(hints.split_words(self.text))} "

        def is_named(member: Any) -> bool:
            return isinstance(member, str) and f" {' '.join(hints.split_words(member))} " in text_words

        return sorted(members, key=is_named, reverse=True)

    def _object_candidates(self, schema: Mapping[str, Any], depth: int, salt: int) -> Iterator[dict[str, Any]]:
        known = [name for name in schemas.get_mapping(schema, "properties") if isinstance(name, str)]
        needed = [name for name in schemas.get_list(schema, "required")[:MAX_MEMBERS] if isinstance(name, str)]
        least = min(schemas.get_size(schema, "minProperties") or 0, MAX_ITEMS)
        if not needed and depth <= GENEROUS_DEPTH:
            names = known[:MAX_ITEMS]
        else:
            required = set(needed)
            names = [name for name in known[:MAX_MEMBERS] if name in required or self._text_mentions(schema, name)]
        for optional in (names, [], known[:MAX_MEMBERS]):
            yield self._make_object(schema, [*optional, *needed], least, depth, salt)

    def _text_mentions(self, schema: Mapping[str, Any], name: str) -> bool:
        """Whether the user's text has a value for an optional member."""
        if name in self.text_object:
            return True
        member = self.root.resolve(schemas.get_mapping(schema, "properties")[name])
        if not isinstance(member, Mapping):
            return False
        if isinstance(member.get("enum"), list):
            text_words = hints.split_words(self.text)
            return any(value.lower() in text_words for value in schemas.get_texts(member, "enum"))
        return schemas.get_types(member) == ["string"] and any(hints.stated_values(name, self.text))

    def _make_object(
        self, schema: Mapping[str, Any], names: Iterable[str], least: int, depth: int, salt: int
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        waiting = deque(dict.fromkeys(names))
        listed = schemas.get_list(schema, "required")
        self.root.spend(len(listed) // 20)
        required = set(map(str, listed))
        depends = schemas.get_mapping(schema, "dependentRequired")
        spare = iter(schemas.get_mapping(schema, "properties"))
        invented = self._invent_names(schema, depth)
        while waiting or len(result) < least:
            name = waiting.popleft() if waiting else next(spare, None) or next(invented, None)
            if name is None:
                break
            if name in result:
                continue
            member: Any = {}
            for part in schemas.member_schemas(schema, name):
                member = schemas.merge(member, self.root.resolve(part))
            if member is False and name not in required:
                continue
            result[name] = self.make_value(member, name, depth + 1, salt)
            waiting += schemas.get_texts(depends, name)
            if name in schemas.get_mapping(schema, "dependentSchemas"):
                schema = schemas.merge(schema, self.root.resolve(schema["dependentSchemas"][name]))
                waiting += schemas.get_texts(schema, "required")
        return result

    def _invent_names(self, schema: Mapping[str, Any], depth: int) -> Iterator[str]:
        """Invent names for unlisted members, as patternProperties and propertyNames demand."""
        for form in schemas.get_mapping(schema, "patternProperties"):
            for salt in range(50):
                name = regex_example.make_example(form, 1, salt)
                if name is not None and patterns.search(form, name):
                    yield name
        if schema.get("additionalProperties") is False:
            return
        for salt in range(MAX_ITEMS):
            if "propertyNames" in schema:
                named = schemas.merge({"type": "string"}, self.root.resolve(schema["propertyNames"]))
                yield str(self.make_value(named, "", depth + 1, salt))
            else:
                yield f"key_{salt + 1}"

    def _array_candidates(self, schema: Mapping[str, Any], name: str, depth: int, salt: int) -> Iterator[list[Any]]:
        if not salt and (listed_numbers := hints.find_number_list(self.text)):
            yield list(listed_numbers)
        least = min(schemas.get_size(schema, "minItems") or 0, MAX_ITEMS)
        most = schemas.get_size(schema, "maxItems")
        first, rest = schemas.item_schemas(schema)
        generous = len(first) or int(rest is not False)
        for count in dict.fromkeys((max(least, generous if depth <= GENEROUS_DEPTH else 0), least)):
            yield self._make_array(schema, name, min(count, MAX_ITEMS if most is None else most), depth, salt)

    def _make_array(self, schema: Mapping[str, Any], name: str, count: int, depth: int, salt: int) -> list[Any]:
        first, rest = schemas.item_schemas(schema)
        unique = schema.get("uniqueItems") is True
        least = schemas.get_size(schema, "minContains")
        hits = min(1 if least is None else least, MAX_ITEMS) if "contains" in schema else 0
        items: list[Any] = []
        seen: set[str] = set()
        tries = 0
        while len(items) < max(count, hits) and tries < 3 * MAX_ITEMS and self.root.steps > 0:
            place = first[len(items)] if len(items) < len(first) else rest
            if len(items) < hits:
                place = schemas.merge(self.root.resolve(place), self.root.resolve(schema["contains"]))
            item = self.make_value(place, _singular(name), depth + 1, salt + tries)
            tries += 1
            mark = schemas.canonical_text(item) if unique else ""
            if not unique or mark not in seen:
                items.append(item)
                seen.add(mark)
        return items

    def _take_numbers(self, schema: Mapping[str, Any], kind: str) -> Iterator[int | float]:
        """Take the next valid number of the text; each is used once."""
        for place, number in enumerate(self.numbers):
            if (kind == "number" or isinstance(number, int)) and self.root.fits(number, schema):
                del self.numbers[place]
                yield number
                return

    def _smallest(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        """The smallest value of the schema's type, used once the bounds are reached."""
        kinds = schemas.get_types(self.root.resolve(schema) or {})
        empty = {"object": {}, "array": [], "string": "", "integer": 0, "number": 0, "boolean": False}
        yield None if "null" in kinds or not kinds else empty.get(kinds[0])


def _rotate(values: list[Any], steps: int) -> list[Any]:
    start = steps % len(values) if values else 0
    return values[start:] + values[:start]


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
