"""Section embeddings: the list of embeddings (POST /embeddings)."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import bodies, only
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import (
    always,
    complain_unless_numbered,
    complain_unless_object,
    complain_unless_objects,
)
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

embeddings = Section("embeddings", "Embeddings", see.EMBEDDING_OBJECT)

UNIT = 0.02
"""How far the length of a vector may be from 1; float16 and rounding stay far below."""


@embeddings.rule(
    "is-object",
    over=only(bodies, lambda view: view.endpoint == "embeddings" and view.ok),
    harm="clients get a string or a bare list",
)
def is_object(view: View) -> Iterable[Complaint]:
    """The answer is one JSON object."""
    return complain_unless_object(view)


def _answers(view: View) -> Iterable[Node]:
    """The body of a successful answer."""
    if view.endpoint == "embeddings" and view.is_dict:
        yield view.root


def _is_list(root: Node) -> bool:
    """Whether an answer is a list of embeddings, as far as it says: not one of models, nor around another answer."""
    entries = list(root["data"])
    others = [entry["object"].text not in ("", "embedding") and not entry["embedding"].there for entry in entries]
    return not all(others) if entries else root["object"].value == "list"


def embedding_lists(view: View) -> Iterable[Node]:
    """The body that is a list of embeddings."""
    return filter(_is_list, _answers(view))


@embeddings.rule("list-object", over=_answers, basis=always("list"), harm="clients that dispatch on `object` refuse it")
def list_object(root: Node) -> Iterable[Complaint]:
    """`object` of the answer is "list"."""
    if not _is_list(root):
        harm = "`reply.data[0]` raises; openai-python: 'No embedding data'"
        yield root, f"a reply that is no list of embeddings: {root}", '"list", with the embeddings in `data`', harm
    elif root["object"].value != "list":
        yield root["object"], str(root["object"]), '"list"'


@embeddings.rule("data", over=embedding_lists, harm="`reply.data[0]` raises; openai-python: 'No embedding data'")
def data(root: Node) -> Iterable[Complaint]:
    """`data` is an array of objects with at least one in it."""
    return complain_unless_objects(root["data"])


@embeddings.rule("model", over=embedding_lists, harm="costs and logs are attributed to no model")
def model(root: Node) -> Iterable[Complaint]:
    """`model` is a non-empty string."""
    if not root["model"].text.strip():
        yield root["model"], str(root["model"]), "a non-empty string"


def _entries(view: View) -> Iterable[Node]:
    for root in embedding_lists(view):
        yield from (entry for entry in root["data"] if entry.kind == "object")


@embeddings.rule("object", over=_entries, basis=always("embedding"), harm="clients that dispatch on `object` refuse it")
def object_(entry: Node) -> Iterable[Complaint]:
    """`object` of each entry is "embedding"."""
    if entry["object"].value != "embedding":
        yield entry["object"], str(entry["object"]), '"embedding"'


def _data_lists(view: View) -> Iterable[Node]:
    yield from (root["data"] for root in embedding_lists(view) if root["data"].kind == "array")


@embeddings.rule("index", over=_data_lists, harm="vectors are stored with the wrong text")
def index(node: Node) -> Iterable[Complaint]:
    """The entries have the numbers 0, 1, 2 … as their `index`, each once."""
    return complain_unless_numbered(node)


@embeddings.rule("order", over=_data_lists, level=SHOULD, harm="clients that zip texts and vectors mix them up")
def order(node: Node) -> Iterable[Complaint]:
    """The entries stand in the order of the inputs."""
    numbers = [entry["index"].number for entry in node]
    wanted = list(range(len(numbers)))
    if numbers != wanted and set(numbers) == set(wanted):
        yield node, f"the order {numbers[:8]}", "0, 1, 2 …"


def count_inputs(view: View) -> int | None:
    """How many inputs the request holds; None where it does not say."""
    given = view.request["input"].value
    if isinstance(given, str):
        return 1
    if not isinstance(given, list) or not given:
        return None
    return 1 if all(isinstance(item, int) for item in given) else len(given)


@embeddings.rule(
    "count",
    yields_to=(".data",),
    over=lambda view: ((node, count_inputs(view)) for node in _data_lists(view) if count_inputs(view) is not None),
    needs=[Aspect.REQUEST],
    see=see.EMBEDDING_CREATE,
    harm="clients zip texts and vectors: the last texts silently get none",
)
def count(node: Node, wanted: int) -> Iterable[Complaint]:
    """There is one embedding for each input."""
    if len(node.value) != wanted:
        yield node, f"{len(node.value)} embeddings", str(wanted)


def _encoded(view: View) -> Iterable[tuple[Node, str]]:
    """Each embedding with the encoding that was asked for, one of the two that the reference has."""
    requested = view.request["encoding_format"].text
    if requested in ("", "float", "base64") and not _asks_for_small_numbers(view):
        yield from ((entry["embedding"], requested) for entry in _entries(view))


def _asks_for_small_numbers(view: View) -> bool:
    """Whether the request asks for numbers of a byte or a bit, as servers with more formats than OpenAI let it."""
    names = ("encoding_format", "output_dtype", "embedding_types", "embedding_type", "dtype")
    asked = " ".join(str(view.request[name].value) for name in names if view.request[name])
    return "int8" in asked or "binary" in asked


@embeddings.rule(
    "encoding",
    over=_encoded,
    needs=[Aspect.REQUEST],
    see=see.EMBEDDING_CREATE,
    harm="clients that asked for numbers cannot compute with a string",
    basis="the API reference: encoding_format is 'The format to return the embeddings in'; the SDKs measured ask for "
    "base64 by themselves and take either form",
)
def encoding(node: Node, requested: str) -> Iterable[Complaint]:
    """`embedding` is an array of numbers or, with encoding_format base64, 32-bit floats in Base64."""
    if requested == "base64":
        if vector(node) is None or node.kind != "string":
            yield node, str(node)[:60], "Base64 of little-endian 32-bit floats"
        elif _is_of_doubles(node.text):
            yield node, "Base64 of 64-bit floats", "Base64 of little-endian 32-bit floats"
    elif node.kind != "array" or any(type(item) not in _NUMBERS for item in node.value) or not node.value:
        yield node, str(node)[:60], "an array of numbers"


_NUMBERS = (int, float)


def _as_float(number: float) -> float:
    """The number; infinity for an integer of more digits than a float can have."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def vector(node: Node) -> tuple[float, ...] | None:
    """The numbers of an embedding in either encoding; None where it is neither."""
    if node.kind == "array":
        return tuple(_as_float(item) for item in node.value if type(item) in _NUMBERS) or None
    try:
        raw = base64.b64decode(node.text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return struct.unpack(f"<{len(raw) // 4}f", raw) if raw and len(raw) % 4 == 0 else None


def _is_of_doubles(text: str) -> bool:
    """Whether the bytes make a vector of length 1 as 64-bit floats, and none as 32-bit floats."""
    raw = base64.b64decode(text)
    if len(raw) % 8:
        return False
    lengths = [
        sum(number * number for number in struct.unpack(f"<{len(raw) // size}{kind}", raw)) ** 0.5
        for size, kind in ((8, "d"), (4, "f"))
    ]
    return abs(lengths[0] - 1) < UNIT and not abs(lengths[1] - 1) < UNIT


def _vectors(view: View) -> Iterable[tuple[Node, tuple[float, ...]]]:
    """Each vector of floats; what was asked for, or counted, in numbers of a byte is none."""
    size = view.request["dimensions"].value
    for entry in _entries(view) if not _asks_for_small_numbers(view) else ():
        numbers = vector(entry["embedding"])
        if numbers is not None and not (entry["embedding"].text and _is_of_bytes(numbers, size)):
            yield entry["embedding"], numbers


def _is_of_bytes(numbers: tuple[float, ...], size: Any) -> bool:
    """Whether a vector in Base64 has the wanted size in bytes, and as floats is no vector of length 1."""
    return len(numbers) * 4 == size and not abs(sum(number * number for number in numbers) ** 0.5 - 1) < UNIT


@embeddings.rule(
    "finite",
    over=_vectors,
    yields_to=("embeddings.encoding",),
    harm="distances come out as NaN, and nothing is ever found",
)
def finite(node: Node, numbers: tuple[float, ...]) -> Iterable[Complaint]:
    """The numbers are finite, and not all of them 0."""
    if any(number != number or abs(number) == float("inf") for number in numbers):
        yield node, "NaN or an infinite number"
    elif not any(numbers):
        yield node, f"{format_count(len(numbers), 'number')}, all 0"


@embeddings.rule(
    "unit-length",
    over=_vectors,
    level=SHOULD,
    yields_to=("embeddings.encoding",),
    see=see.EMBEDDING_GUIDE,
    harm="stores that rank by the dot product, as the guide allows, rank long vectors first",
)
def unit_length(node: Node, numbers: tuple[float, ...]) -> Iterable[Complaint]:
    """A vector has the length 1."""
    length = sum(number * number for number in numbers) ** 0.5
    if abs(length - 1) > UNIT and length and length < float("inf"):
        yield node, f"length {length:.3g}", "1"


def _vectors_with_size(view: View, size: Any) -> Iterable[tuple[Node, tuple[float, ...], int]]:
    """The vectors beside the size they are to have; none where that is unknown."""
    if isinstance(size, int):
        yield from ((node, numbers, size) for node, numbers in _vectors(view))


@embeddings.rule(
    "dimensions",
    over=lambda view: _vectors_with_size(view, view.request["dimensions"].value),
    see=see.EMBEDDING_CREATE,
    harm="the vector store refuses the vector",
)
def dimensions(node: Node, numbers: tuple[float, ...], wanted: int) -> Iterable[Complaint]:
    """A vector has as many numbers as `dimensions` asks for."""
    if len(numbers) != wanted:
        yield node, format_count(len(numbers), "number"), str(wanted)


@embeddings.rule("same-size", over=_data_lists, harm="the vector store refuses the batch")
def same_size(node: Node) -> Iterable[Complaint]:
    """All vectors of an answer have the same size."""
    sizes = [(entry["embedding"], len(vector(entry["embedding"]) or ())) for entry in node]
    for place, size in sizes[1:]:
        if size and sizes[0][1] and size != sizes[0][1]:
            yield place, format_count(size, "number"), f"{sizes[0][1]}, as in the first"


SIZES = {"text-embedding-ada-002": 1536, "text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
"""How many numbers the vectors of OpenAI's models have where `dimensions` is left out."""


def _size_of_model(view: View) -> int | None:
    return None if view.request["dimensions"] else SIZES.get(view.request["model"].text)


@embeddings.rule(
    "size-of-model",
    over=lambda view: _vectors_with_size(view, _size_of_model(view)),
    needs=[Aspect.REQUEST],
    yields_to=("embeddings.encoding",),
    see=see.EMBEDDING_GUIDE,
    harm="an index made for the model refuses the vector",
)
def size_of_model(node: Node, numbers: tuple[float, ...], size: int) -> Iterable[Complaint]:
    """If `dimensions` is left out, a vector of one of OpenAI's models has that model's size."""
    if len(numbers) != size:
        yield node, format_count(len(numbers), "number"), str(size)
