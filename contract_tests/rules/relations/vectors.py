"""Section relations, embeddings: one text has one vector, however it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from math import sqrt

from contract_tests.rules.embeddings import vector
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations

Vector = tuple[float, ...]
EQUAL = 1e-6
"""How far from 1 the cosine of one vector with itself may be, for rounding."""
ALIKE = 0.99
"""The cosine above which two vectors stand for one text; api.openai.com itself varies in the fourth digit."""


def _vectors(view: View | None) -> list[tuple[Node, Vector]]:
    """The vectors of a reply, by index."""
    if view is None or not view.is_dict:
        return []
    indexed = []
    for entry in view.root["data"]:
        numbers, index = vector(entry["embedding"]), entry["index"].value
        if numbers is not None and isinstance(index, int):
            indexed.append((index, entry["embedding"], numbers))
    return [(node, numbers) for _, node, numbers in sorted(indexed, key=lambda entry: entry[0])]


def cosine(left: Vector, right: Vector) -> float:
    """The cosine of the angle between two vectors, 0 where they have no common length."""
    if len(left) != len(right):
        return 0.0
    length = sqrt(sum(a * a for a in left)) * sqrt(sum(b * b for b in right))
    return sum(a * b for a, b in zip(left, right, strict=True)) / length if length else 0.0


Pair = tuple[str, Node, Vector, Vector]
"""What is compared, where to point, and the two vectors."""


def _complain_if_unlike(what: str, node: Node, left: Vector, right: Vector) -> Iterable[Complaint]:
    if cosine(left, right) < ALIKE:
        yield node, f"{what} have the cosine {cosine(left, right):.3f}", "1"


def _batch_beside_singles(trace: Trace) -> Iterator[Pair]:
    """Each text of a batch beside the same text alone."""
    for place, (node, numbers) in enumerate(_vectors(trace.roles.get("batch"))):
        for _, alone in _vectors(trace.roles.get(f"single {place + 1}"))[:1]:
            yield f"input {place + 1} of the batch and itself alone", node, numbers, alone


@relations.rule(
    "batch-as-single",
    over=_batch_beside_singles,
    see=see.EMBEDDING_CREATE,
    harm="search finds other texts",
)
def batch_as_single(pair: Pair) -> Iterable[Complaint]:
    """A text in a batch has the same vector as when it is sent alone."""
    return _complain_if_unlike(*pair)


def _pairs_in_a_batch(trace: Trace) -> Iterator[Pair]:
    """The vectors of the different texts of a batch, two by two."""
    numbered = enumerate(_vectors(trace.roles.get("batch")), 1)
    for (first, (_, left)), (second, (node, right)) in combinations(numbered, 2):
        yield f"inputs {first} and {second}", node, left, right


@relations.rule(
    "texts-apart",
    over=_pairs_in_a_batch,
    see=see.EMBEDDING_GUIDE,
    harm="every text is as near as any other: search finds whatever comes first",
)
def texts_apart(what: str, node: Node, left: Vector, right: Vector) -> Iterable[Complaint]:
    """Texts that say different things have different vectors."""
    if cosine(left, right) > 1 - EQUAL:
        yield node, f"{what} have one vector", "vectors of their own"


def _base64_beside_numbers(trace: Trace) -> Iterator[Pair]:
    """A text in Base64 beside the same text as numbers."""
    plain, packed = (_vectors(trace.roles.get(role)) for role in ("float", "base64"))
    for (_, numbers), (node, decoded) in zip(plain, packed, strict=False):
        yield "the vector in Base64 and the one in numbers", node, decoded, numbers


@relations.rule(
    "encodings-agree",
    over=_base64_beside_numbers,
    see=see.EMBEDDING_CREATE,
    harm="openai-python, which asks for Base64, gets other vectors than curl",
)
def encodings_agree(pair: Pair) -> Iterable[Complaint]:
    """Base64 and numbers encode the same vector."""
    return _complain_if_unlike(*pair)
