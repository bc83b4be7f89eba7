"""A broken fixture is compared with what lacks its defect alone: a row of clients is about the rule, not the pair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract_tests.lab.clients.corpus import Subject, subjects
from contract_tests.rules.engine.answers import answers
from contract_tests.rules.engine.view import View
from fake_server.wire.fixture import load

TEXT_IS_THE_DEFECT = (
    *("choices", "choice-count", "message", "delta", "delta-says-something", "content", "text", "no-message"),
    *("says-something", "not-blank", "not-cumulative", "stop-kept", "echo", "is-dict", "is-stream", "not-empty"),
    *("status", "before-the-stream", "bounded", "framing", "in-time", "complete"),
    *("body-not-empty", "content-coding", "json-syntax", "json-utf8", "json-surrogates"),
    *("choice-index", "index", "no-call-as-text", "json-numbers"),
)
"""The last parts of the ids of rules that are broken by what is said, or by how much of it can be read."""
SECTION_IS_THE_TEXT = ("formats.", "sse.")


def compared() -> Iterator[tuple[Subject, View, View]]:
    """The broken fixtures of completions that are compared with an answer, with both replies."""
    for subject in subjects():
        if subject.name.startswith("broken/") and subject.conforming:
            broken, right = (View(load(path).exchange) for path in (subject.path, subject.conforming))
            if broken.endpoint in ("chat", "completions") and broken.ok:
                yield subject, broken, right


def texts(view: View) -> list[str]:
    return [answer.text for answer in answers(view)]


def test_the_text_is_that_of_the_pair_unless_it_is_the_defect() -> None:
    """A word that is added where a rule is about its place makes every client's text wrong."""
    other = []
    for subject, broken, right in compared():
        rule_id = subject.name.partition("/")[2]
        about_the_text = rule_id.rpartition(".")[2] in TEXT_IS_THE_DEFECT or rule_id.startswith(SECTION_IS_THE_TEXT)
        if right.ok and not about_the_text and texts(broken) != texts(right):
            other.append((rule_id, texts(broken), texts(right)))
    assert other == []


def test_what_is_not_refused_is_compared_with_a_refusal() -> None:
    """Clients that are given an answer to a mistake miss an error: no other answer is the right one."""
    for subject, _, right in compared():
        if subject.name.startswith("broken/errors.refuses-"):
            assert right.is_refusal, subject.name


@pytest.mark.parametrize(
    ("rule_id", "pair"),
    [
        ("completions.not-blank", "text-dict"),  # not another text that is empty
        ("errors.ends-the-stream", "broken-off-stream"),  # every client raises on an error event, whatever follows it
        ("usage.every-choice", "two-sentences-dict"),
        ("errors.refuses-wrong-format", "wrong-format"),
    ],
)
def test_a_pair_has_the_form_of_the_fixture(rule_id: str, pair: str) -> None:
    (subject,) = (subject for subject in subjects() if subject.name == f"broken/{rule_id}")
    assert subject.conforming
    assert subject.conforming.stem == pair


def test_a_pair_is_a_reply_of_the_same_operation() -> None:
    """Beside a refusal, or a compaction, clients would be said to break on a stream that nobody asked for."""
    (subject,) = (subject for subject in subjects() if subject.name == "broken/responses.is-dict")
    assert subject.conforming
    right = View(load(subject.conforming).exchange)
    assert (right.endpoint, right.ok, right.wants_stream) == ("responses", True, False)
