"""Whether a value fits a JSON Schema of a recorded request, within the budget that the fake's requests have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from functools import cache
from typing import Any

from contract_tests.rules.engine.node import TooManyValues
from fake_server.api.sensible.schemas import canonical_text
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire import patterns
from fake_server.wire.budget import CURRENT, Budget, TooMuch, spend

_COSTLY = ("patternProperties", "unevaluatedProperties", "unevaluatedItems")
"""Words that no strict schema has: the library compares every member with every other for them."""
_STRUCTURE = ("type", "required", "additionalProperties", "properties", "minItems", "maxItems")
"""What a schema says that no dummy changes."""
_OF_SCHEMA, _OF_REFERENCE, _OF_MANY = 15, 10, 10
"""Steps for a value in a schema, which is checked itself, and for a reference; values of an enum that are one step."""
_WHAT = "values for their schemas"
_WALKS = frozenset(
    {"items", "prefixItems", "contains", "properties", "additionalProperties", "propertyNames", "uniqueItems"}
)
"""Words for which every item or member of a value is looked at."""


class Fitting:
    """The budget of one exchange for its schemas: steps, and seconds of a processor, for all its values."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._budget.heavy = True  # there is no event loop here
        self._checked: list[tuple[dict[str, Any], Any]] = []

    def violation(self, value: Any, schema: dict[str, Any]) -> str:
        """The first thing in which the value does not fit, '' where it fits or the schema is none itself.

        Raises TooManyValues where the budget is spent, or something lies too deep: nobody can say.
        """
        if any(word in str(schema) for word in _COSTLY):
            return ""
        try:
            with self._spending():
                validator = self._validator(schema)
                error = next((each for each in validator.iter_errors(value) if not _of_dummy(each)), None)
        except (TooMuch, RecursionError):
            raise TooManyValues from None
        except Exception:  # references, patterns and numbers fail in ways of their own
            return ""
        path = "".join(f"[{step!r}]" for step in error.absolute_path) if error else ""
        return excerpt(f"{path} {error.message}".strip(), 120) if error else ""

    @contextmanager
    def _spending(self) -> Iterator[None]:
        token = CURRENT.set(self._budget)
        try:
            yield
        finally:
            CURRENT.reset(token)

    def _validator(self, schema: dict[str, Any]) -> Any:
        """The validator of a schema, which is checked once for all values of the exchange."""
        for known, validator in self._checked:
            if known is schema:
                return validator
        spend(_OF_SCHEMA * _count(schema), _WHAT)
        _validators().check_schema(schema)
        self._checked.append((schema, _validators()(schema)))
        return self._checked[-1][1]


def _count(schema: Any) -> int:
    """The values in a schema, itself included."""
    count, left = 0, [schema]
    while left:
        value = left.pop()
        count += 1
        left.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return count


def _of_dummy(error: Any) -> bool:
    """Whether an error is about a value, or a word of the schema, that a recording has a dummy in place of."""
    if error.validator in _STRUCTURE:
        return False
    for part in (error.instance, error.validator_value):
        text = json.dumps(part, default=str)
        spend(1 + len(text) // 500, _WHAT)
        if holds_dummy(text):
            return True
    return False


Keyword = Callable[[Any, Any, Any, Any], Iterable[Any] | None]


@cache
def _validators() -> Any:
    """jsonschema's validator, whose words spend steps, and whose patterns and unique items take linear time."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: Any, form: str, value: Any, __: Any) -> Iterable[ValidationError]:
        if isinstance(value, str) and not patterns.find_problem(form) and not patterns.search(form, value):
            yield ValidationError(f"{value!r} does not match {form!r}")

    def unique_items(_: Any, is_asked: Any, value: Any, __: Any) -> Iterable[ValidationError]:
        if is_asked and isinstance(value, list) and len(set(map(canonical_text, value))) < len(value):
            yield ValidationError(f"{value!r} has non-unique elements")

    words = {**Draft202012Validator.VALIDATORS, "pattern": pattern, "uniqueItems": unique_items}
    return validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {word: _spending(word, check) for word, check in words.items()}
    )


def _spending(word: str, check: Keyword) -> Keyword:
    """A word of schemas that spends steps before it is checked."""

    def spending(validator: Any, given: Any, value: Any, schema: Any) -> Iterable[Any] | None:
        steps = _OF_REFERENCE if word in ("$ref", "$dynamicRef") else 1
        steps += len(given) // _OF_MANY if isinstance(given, Sized) else 0
        steps += len(value) if word in _WALKS and isinstance(value, Sized) else 0
        spend(steps, _WHAT)
        return check(validator, given, value, schema)

    return spending
