"""What the models of the document share, and their JSON Schemas as OpenAPI 3.1 shows them best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

REFERENCE = "#/components/schemas/"
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16, description="Up to 16 pairs of texts that go with the completion."),
]
_CLUTTER = ("title", "default")


class Shape(BaseModel):
    """An object whose other members are ignored."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)


def absent() -> Any:
    """The default of a member that may be left out but is never null."""
    return Field(default_factory=lambda: None)


class Body(BaseModel):
    """A request's body; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


def components(kinds: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The schemas of the models and of all they speak of, by name."""
    modes = [(kind, "validation") for kind in sorted(set(kinds), key=lambda kind: kind.__name__)]
    _, made = models_json_schema(modes, ref_template=REFERENCE + "{model}")  # type: ignore[arg-type]
    return {name: _required_first({"title": name, **tidy(schema)}) for name, schema in made["$defs"].items()}


def _required_first(schema: dict[str, Any]) -> dict[str, Any]:
    needed = schema.get("required", ())
    ordered = sorted(schema.get("properties", {}).items(), key=lambda item: item[0] not in needed)
    return {**schema, "properties": dict(ordered)} if ordered else schema


def tidy(schema: Any) -> Any:
    """The schema without titles and defaults that are null; null stands in `type` beside a single type."""
    if isinstance(schema, list):
        return [tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {
        name: {member: tidy(one) for member, one in value.items()} if name == "properties" else tidy(value)
        for name, value in schema.items()
        if name not in _CLUTTER or (name == "default" and value is not None)
    }
    forms = told.get("anyOf", ())
    others = [form for form in forms if form != {"type": "null"}]
    if len(forms) == 2 and len(others) == 1 and isinstance(others[0].get("type"), str):
        (other,) = others
        del told["anyOf"]
        allowed = {name: [*other[name], None] for name in ("enum",) if name in other}
        return {**other, **allowed, "type": [other["type"], "null"], **told}
    return told


def reference(kind: type[BaseModel] | None) -> dict[str, str]:
    """What stands for a model's schema; nothing for None."""
    return {} if kind is None else {"$ref": REFERENCE + kind.__name__}
