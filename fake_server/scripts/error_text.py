"""What is wrong with a script: where, what was expected, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fake_server.faults import describe_error
from fake_server.scripts.model import Script
from fake_server.scripts.yaml_lines import Document, Where
from fake_server.wire.text import closest, did_you_mean


def describe_script_errors(error: ValidationError, document: Document, root: Where, source: str) -> list[str]:
    """Describe each problem of one script, `file:line: what, what to do`, in the order of the lines."""
    return [text for _, text in sorted(_lines(error, document, root, source))]


def describe_reply_errors(error: ValidationError) -> str:
    """Describe the problems of a reply that was made for a request."""
    return "; ".join(
        _describe_detail({**detail, "loc": ("reply", *detail["loc"])}) for detail in error.errors(include_url=False)
    )


def _lines(error: ValidationError, document: Document, root: Where, source: str) -> Iterator[tuple[int, str]]:
    details = error.errors(include_url=False)
    misspelt = {
        (*detail["loc"][:-1], _near(detail["loc"])) for detail in details if detail["type"] == "extra_forbidden"
    }
    for detail in details:
        if detail["type"] == "missing" and detail["loc"] in misspelt:
            continue
        row = 0
        if detail["type"] == "template":
            row = detail["ctx"]["row"]
            detail["loc"] = (*detail["loc"], *detail["ctx"]["where"])
        where = (*root, *detail["loc"])
        line = document.key_line(where) if detail["type"] == "extra_forbidden" else document.line(where, row)
        place = f"{source}:{line}" if document.lines else f"{source}[{root[-1]}]"
        yield line, f"{place}: {_describe_detail(detail)}"


_KINDS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _describe_detail(detail: Any) -> str:
    loc, kind, value = detail["loc"], detail["type"], detail["input"]
    if "faults" in loc and loc.index("faults") + 1 < len(loc):
        place = loc.index("faults") + 2
        holder = ".".join(str(part) for part in loc[:place])
        return f"{holder}: {describe_error({**detail, 'loc': loc[place:]})}"
    name = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    if kind == "missing":
        holder = f" in {'.'.join(str(part) for part in loc[:-1])}" if len(loc) > 1 else ""
        return f"the key {str(loc[-1])!r} is missing{holder}: add it"
    if kind in _KINDS:
        takes_text = kind != "string_type" and _takes_text(loc)
        expected = f"a string or {_KINDS[kind]}" if takes_text else _KINDS[kind]
        hint = _quote_hint("string_type" if takes_text else kind, value) or _key_hint(loc, kind, value)
        return f"{name}: {expected} is expected, this is {_describe(value)}{hint}"
    message = str(detail["msg"])
    if kind == "literal_error":
        choices = str(detail["ctx"]["expected"])
        hint = did_you_mean(str(value), choices.split("'")[1::2], f"use {choices}")
        return f"{name}: {_describe(value)} is not known here: {hint}"
    message = message.replace("Input should", "must").replace("String should", "must")
    return f"{name}: {message}" if name else message


def _unknown_key(loc: tuple[str | int, ...]) -> str:
    key, holder = str(loc[-1]), ".".join(str(part) for part in loc[:-1])
    known = _known_keys(loc[:-1])
    hint = did_you_mean(key, known, f"known here: {', '.join(known)}")
    return f"unknown key {key!r}{' in ' + holder if holder else ''}: {hint}"


def _near(loc: tuple[str | int, ...]) -> str | None:
    """The known key that may have been meant."""
    return next(iter(closest(str(loc[-1]), _known_keys(loc[:-1]))), None)


def _known_keys(loc: tuple[str | int, ...]) -> list[str]:
    """The keys the model at `loc` has, found by walking the annotations from Script."""
    model: type[BaseModel] = Script
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            inner = _model_in(model.model_fields[step].annotation)
            model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


_KEYS_OF_TEXTS = {"reply": "text", "replies": "text", "choices": "text", "tool_calls": "name", "error": "message"}
_KEYS_OF_TEXTS |= dict.fromkeys(("last", "first", "any"), "contains")
"""The key under which a text that stands alone was probably meant, by what holds it."""


def _key_hint(loc: tuple[str | int, ...], kind: str, value: object) -> str:
    name = next((str(step) for step in reversed(loc) if isinstance(step, str)), "")
    key = _KEYS_OF_TEXTS.get(name) if isinstance(value, str) and _KINDS[kind] == "a mapping" else None
    return f": write {{{key}: {value[:40]!r}}}" if key and isinstance(value, str) else ""


def _takes_text(loc: tuple[str | int, ...]) -> bool:
    """Whether the place also takes a text, in short for the mapping or the list that it stands for."""
    schema = _schema()
    nodes = [schema]
    for step in loc:
        forms = [form for node in nodes for form in _forms(node)]
        inner = [form.get("properties", {}).get(step) or form.get("additionalProperties") for form in forms]
        nodes = [node for node in (*inner, *(form.get("items") for form in forms)) if isinstance(node, dict)]
    return any(form.get("type") == "string" for node in nodes for form in _forms(node))


@cache
def _schema() -> dict[str, Any]:
    return Script.model_json_schema(by_alias=True)


def _forms(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The alternatives of a schema, references followed."""
    if "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
    for form in node.get("anyOf", [node]):
        yield from _forms(form) if form is not node and ("$ref" in form or "anyOf" in form) else [form]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _describe(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the switch {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return repr(value[:40])
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _quote_hint(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return ": put quotes around it"
    return ": write it with '- ' before each" if kind == "tuple_type" else ""
