"""Section relations, embeddings: one text has one vector, however it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from math import sqrt

from contract_tests.rules.embeddings import UNIT, vector
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.shared.causes import VECTORS_SPOILED

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
        yield node, f"{what} have the cosine {cosine(left, right):.3f}", "the same vector, a cosine of 1"


def _batch_beside_singles(trace: Trace) -> Iterator[Pair]:
    """Each text of a batch beside the same text alone."""
    for place, (node, numbers) in enumerate(_vectors(trace.roles.get("batch"))):
        for _, alone in _vectors(trace.roles.get(f"single {place + 1}"))[:1]:
            yield f"input {place + 1} of the batch and itself alone", node, numbers, alone


@relations.rule(
    "batch-as-single",
    over=_batch_beside_singles,
    yields_to=VECTORS_SPOILED,
    see=see.EMBEDDING_CREATE,
    harm="search finds other texts",
)
def batch_as_single(pair: Pair) -> Iterable[Complaint]:
    """A text in a batch has the same vector as when it is sent alone."""
    return _complain_if_unlike(*pair)


def prompt_tokens(view: View | None) -> int | None:
    """The prompt tokens that a reply with embeddings counts."""
    count = view.root["usage"]["prompt_tokens"] if view and view.is_dict else None
    return count.value if count and count.kind == "integer" else None


def batch_counts(trace: Trace | Mapping[str, View]) -> list[tuple[View, int, int]]:
    """The count of each batch beside the sum of its texts' counts; it is asked for again where they differ."""
    roles = trace.roles if isinstance(trace, Trace) else trace
    counts = []
    for again in ("", " again"):
        batch = roles.get(f"batch{again}")
        names = [f"single {place + 1}{again}" for place in range(len(_vectors(batch)))]
        whole, parts = prompt_tokens(batch), [prompt_tokens(roles.get(name)) for name in names]
        if batch and whole is not None and parts and None not in parts:
            counts.append((batch, whole, sum(part or 0 for part in parts)))
    return counts


@relations.rule(
    "batch-counted",
    over=lambda trace: [counts] if (counts := batch_counts(trace)) else [],
    yields_to=VECTORS_SPOILED,
    see=see.EMBEDDING_OBJECT,
    harm="what a text costs depends on what it is sent with",
)
def batch_counted(counts: list[tuple[View, int, int]]) -> Iterable[Complaint]:
    """A batch has as many prompt tokens as its texts have when each is sent alone."""
    view, whole, parts = counts[0]
    if all(count != wanted for _, count, wanted in counts):
        yield view.root["usage"]["prompt_tokens"], f"{whole} for the batch", f"{parts}, the sum of its texts"


def _pairs_in_a_batch(trace: Trace) -> Iterator[Pair]:
    """The vectors of the different texts of a batch, two by two."""
    numbered = enumerate(_vectors(trace.roles.get("batch")), 1)
    for (first, (_, left)), (second, (node, right)) in combinations(numbered, 2):
        yield f"inputs {first} and {second}", node, left, right


@relations.rule(
    "texts-apart",
    over=_pairs_in_a_batch,
    yields_to=VECTORS_SPOILED,
    see=see.EMBEDDING_GUIDE,
    harm="every text is as near as any other: search finds whatever comes first",
)
def texts_apart(what: str, node: Node, left: Vector, right: Vector) -> Iterable[Complaint]:
    """Texts that say different things have different vectors."""
    if cosine(left, right) > 1 - EQUAL:
        yield node, f"{what} have one vector", "vectors of their own"


def _length(vector: Vector) -> float:
    return sqrt(sum(number * number for number in vector))


def _cut_vectors(trace: Trace) -> Iterator[tuple[Node, Vector]]:
    """A vector cut by `dimensions`, where the whole one has the length 1."""
    for (_, whole), (node, cut) in zip(*(_vectors(trace.roles.get(role)) for role in ("whole", "cut")), strict=False):
        if len(cut) < len(whole) and abs(_length(whole) - 1) < UNIT:
            yield node, cut


@relations.rule(
    "cut-vector",
    over=_cut_vectors,
    yields_to=VECTORS_SPOILED,
    see=see.EMBEDDING_GUIDE,
    expected="1, as the whole vector has",
    harm="stores that rank by the dot product, as the guide allows, rank long vectors first",
)
def cut_vector(node: Node, cut: Vector) -> Iterable[Complaint]:
    """A vector that is cut by `dimensions` has the length 1 if the whole one has it."""
    if abs(_length(cut) - 1) > UNIT:
        yield node, f"length {_length(cut):.3g}, of {len(cut)} numbers"


def _base64_beside_numbers(trace: Trace) -> Iterator[Pair]:
    """A text in Base64 beside the same text as numbers."""
    plain, packed = (_vectors(trace.roles.get(role)) for role in ("float", "base64"))
    for (_, numbers), (node, decoded) in zip(plain, packed, strict=False):
        yield "the vector in Base64 and the one in numbers", node, decoded, numbers


@relations.rule(
    "encodings-agree",
    over=_base64_beside_numbers,
    yields_to=VECTORS_SPOILED,
    see=see.EMBEDDING_CREATE,
    harm="openai-python, which asks for Base64, gets other vectors than curl",
)
def encodings_agree(pair: Pair) -> Iterable[Complaint]:
    """Base64 and numbers encode the same vector."""
    return _complain_if_unlike(*pair)
