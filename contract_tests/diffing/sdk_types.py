"""The official SDK's types: the annotation at a path, and whether a value fits it."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from contract_tests.diffing.verdicts import Opinion
from contract_tests.rules.engine.view import View

ITEM = "[]"
"""The path step into an array, for any item."""
Path = tuple[str, ...]

READ_BESIDES: dict[Path, tuple[type, ...]] = {
    # The SDK asks for base64 by itself and decodes it before anyone sees the type.
    ("data", ITEM, "embedding"): (str,),
}
"""What the SDK accepts at a path although its type does not say so."""
CHOSEN = frozenset({"content", "tool_calls", "function_call", "audio"})
"""Members whose presence depends on the model's answer: their absence is as normal as their presence."""


class Types:
    """The types of one document, by path. `root` is a pydantic model, None if the SDK has none.

    `names_models` means that an `id` in the document is the name of a model.
    """

    def __init__(self, root: Any, *, names_models: bool = False) -> None:
        self._root = root
        self.names_models = names_models
        self._at: dict[Path, tuple[Any, ...] | None] = {}

    def at(self, path: Path) -> tuple[Any, ...] | None:
        """The types allowed at `path`: empty if the path is undeclared, None if anything is allowed."""
        if self._root is None:
            return None
        if path not in self._at:
            self._at[path] = self._step(path) if path else _plain(self._root)
        return self._at[path]

    def is_map(self, path: Path) -> bool:
        """Whether the names of the object at `path` are data (`metadata`, the words of `top_logprobs`)."""
        return any(_origin(known_type) is dict for known_type in self.at(path) or ())

    def takes_fractions(self, path: Path) -> bool:
        """Whether a number at `path` may have a fraction: its type is float, or there is none."""
        known = self.at(path)
        return not known or float in known or int not in known

    def of_value(self, path: Path, value: Any) -> Opinion | None:
        """The types' opinion of a value at `path`; of an object or array, without its contents."""
        known = self.at(path)
        if known is None:
            return None
        if not known:
            return Opinion.UNKNOWN
        fitting = any(_fits(annotation, value) for annotation in (*known, *READ_BESIDES.get(path, ())))
        return Opinion.KNOWN if fitting else Opinion.WRONG

    def of_absence(self, path: Path) -> Opinion | None:
        """The types' opinion of the absence of the member at `path`."""
        parents = self.at(path[:-1])
        if parents is None:
            return None
        fields = [parent.model_fields for parent in parents if _is_model(parent)]
        required = fields and all(path[-1] in members and members[path[-1]].is_required() for members in fields)
        if required:
            return Opinion.WRONG
        return Opinion.KNOWN if path[-1] in CHOSEN else Opinion.LEFT_OUT

    def _step(self, path: Path) -> tuple[Any, ...] | None:
        parents, name = self.at(path[:-1]), path[-1]
        if parents is None or any(parent in (Any, object) for parent in parents):
            return None
        types: list[Any] = []
        for parent in parents:
            if name == ITEM:
                if _origin(parent) is list:
                    types += _plain(get_args(parent)[0]) if get_args(parent) else (Any,)
            elif _is_model(parent) and name in parent.model_fields:
                types += _plain(parent.model_fields[name].annotation)
            elif _origin(parent) is dict:
                types += _plain(get_args(parent)[1]) if get_args(parent) else (Any,)
        return None if any(known_type in (Any, object) for known_type in types) else tuple(dict.fromkeys(types))


def _plain(annotation: Any) -> tuple[Any, ...]:
    """The types in an annotation: the members of a union, the type inside Annotated, or the type itself."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(inner for member in get_args(annotation) for inner in _plain(member))
    return (annotation,)


def _origin(annotation: Any) -> Any:
    return get_origin(annotation) or annotation


def _is_model(annotation: Any) -> bool:
    return hasattr(annotation, "model_fields") and isinstance(annotation, type)


def _fits(annotation: Any, value: Any) -> bool:
    if get_origin(annotation) is Literal:
        return any(value == literal and type(value) is type(literal) for literal in get_args(annotation))
    if _is_model(annotation):
        return isinstance(value, dict)
    kind = _origin(annotation)
    if kind is float:
        return type(value) in (int, float)
    if kind in (NoneType, None):
        return value is None
    return isinstance(kind, type) and type(value) is kind


def types_of(view: View, form: str) -> Types:
    """The types of a reply's documents; `form` is dict, chunk or error."""
    return _types(view.endpoint or view.exchange.request.path.rstrip("/").rpartition("/")[2], form)


@cache
def _types(endpoint: str, form: str) -> Types:
    """Imports the SDK's types here, because that takes 0.5 s."""
    from openai import types
    from openai.pagination import SyncPage
    from openai.types import chat, responses
    from pydantic import BaseModel

    class Refusal(BaseModel):
        """The SDK parses the `error` of an error reply by hand and has no type for the object around it."""

        error: types.ErrorObject

    if form == "error":
        return Types(Refusal)
    known: dict[tuple[str, str], Any] = {
        ("chat", "dict"): chat.ChatCompletion,
        ("chat", "chunk"): chat.ChatCompletionChunk,
        ("completions", "dict"): types.Completion,
        ("completions", "chunk"): types.Completion,
        ("embeddings", "dict"): types.CreateEmbeddingResponse,
        ("models", "dict"): SyncPage[types.Model],
        ("model", "dict"): types.Model,
        ("moderations", "dict"): types.ModerationCreateResponse,
        ("responses", "dict"): responses.Response,
    }
    return Types(known.get((endpoint, form)), names_models=endpoint in ("models", "model"))
