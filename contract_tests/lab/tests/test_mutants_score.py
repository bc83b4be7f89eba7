"""The score adds up, says what is below the marks, and stands in README."""

from __future__ import annotations

import pytest

from contract_tests.lab.mutation import page
from contract_tests.lab.mutation.__main__ import README
from contract_tests.lab.mutation.corpora.live import Planted
from contract_tests.lab.mutation.equivalent import why_equivalent
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.score import JUDGED, Score
from fake_server.wire.exchange import Exchange, Request, Write

BODY = (
    b'{"id":"c-1","object":"chat.completion","created":1760000000,"model":"gpt-5","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)
ASKED = Request("POST", "/v1/chat/completions", body=b'{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}')
REPLY = Exchange(ASKED, 200, (("Content-Type", "application/json"),), (Write(BODY),), label="small")


def mutant(old: bytes, new: bytes, operator: str = "drop", shape: str = "chat:id", before: str = "") -> Mutant:
    changed = REPLY.with_payload(BODY.replace(old, new, 1))
    return Mutant("chat", operator, shape, shape, REPLY, lambda: changed, before)


def planted(noticed: bool) -> Planted:
    return Planted("relations.text", "lose-piece", "piece 0", "'a'", "''", noticed)


def test_noticed_equivalent_and_surviving_mutants_are_told_apart() -> None:
    score = Score()
    score.judge(
        [
            mutant(b'"id":"c-1",', b""),
            mutant(b'"logprobs":null,', b"", shape="chat:choices[].logprobs"),
            mutant(b'"Hi"', b'"Ho"', "other-text", "chat:choices[].message.content"),
        ]
    )
    tally = score.sections["chat"]
    assert (tally.made, tally.killed, tally.equivalent) == (3, 1, 1)
    assert (round(tally.raw, 3), tally.adjusted) == (0.333, 0.5)
    assert score.classes == {"member-absent": 1}
    assert list(score.survivors) == [("chat", "chat:choices[].message.content", "other-text")]


def test_a_finding_that_the_original_has_too_counts_for_nothing() -> None:
    broken = REPLY.with_payload(BODY.replace(b'"c-1"', b'""'))
    same = Mutant("chat", "none", "chat:id", "id", broken, lambda: broken)
    score = Score()
    score.judge([same])
    assert score.sections["chat"].killed == 0


def test_a_rule_that_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(exchange: Exchange) -> None:
        raise TypeError("no order")

    monkeypatch.setattr("contract_tests.lab.mutation.judging.judge", fails)
    score = Score()
    score.judge([mutant(b'"c-1"', b"1")])
    assert score.crashes == ["drop, small: chat:id:  -> : TypeError: no order"]
    assert any(text.startswith("the judge failed on 1 mutants") for text in score.complaints)


def test_what_was_planted_live_counts_to_relations() -> None:
    score = Score()
    score.add([planted(True), planted(True), planted(False)])
    assert (score.sections["relations"].made, score.sections["relations"].killed) == (3, 2)
    assert list(score.survivors) == [("relations", "relations.text", "lose-piece")]


def test_a_score_below_the_marks_says_where() -> None:
    score = Score()
    for name, tally in score.sections.items():
        tally.made, tally.killed = 1000, 990 if name != "usage" else 900
    assert score.complaints == ["section usage: adjusted 90.0%, below 93%"]
    for tally in score.sections.values():
        tally.killed, tally.equivalent = 850, 120
    assert score.complaints == [
        "all sections: adjusted 96.6%, below 97%",
        f"{120 * len(score.sections)} of {1000 * len(score.sections)} are equivalent, above 10%",
    ]
    assert any("fewer than 2000" in text for text in Score().complaints)


@pytest.mark.parametrize(
    ("operator", "shape", "before", "name"),
    [
        ("drop", "chat:service_tier", '"default"', "member-absent"),
        ("rename", "chat:id", '"c-1"', ""),
        ("null", "errors:error.code", '"x"', "member-null"),
        ("null", "chat:id", '"c-1"', ""),
        ("retype-string", "errors:error.param", "null", "null-or-text"),
        ("retype-string", "errors:error.param", "7", ""),
        ("double-event", "completions.stream:finishing", "", "reason-repeated"),
        ("double-event", "chat.stream:finishing", "", ""),
        ("reorder", "embeddings:data[].embedding", "[]", "another-vector"),
        ("reorder", "embeddings:data", "[]", ""),
        ("drop-item", "models:data[]", "{}", "fewer-models"),
        ("drop-item", "chat:choices[].message.tool_calls[]", "{}", "other-calls"),
        ("header-drop", "x-ratelimit-limit-requests", "", "field-sometimes-sent"),
        ("header-drop", "content-type", "", ""),
        ("header-drop", "vary", "", "field-optional-in-http"),
        ("header-retype", "cache-control", "", "list-field"),
        ("header-retype", "x-request-id", "", "request-id-of-any-form"),
        ("header-rename", "content-length", "", "body-until-close"),
        ("parameter-dropped", "chat:tools", "[]", "called-nothing"),
        ("parameter-dropped", "chat:n", "2", ""),
    ],
)
def test_a_mutant_is_equivalent_by_its_class_alone(operator: str, shape: str, before: str, name: str) -> None:
    assert why_equivalent(mutant(b"", b"", operator, shape, before)) == name


def test_the_page_has_a_line_for_every_section_and_one_for_all() -> None:
    score = Score()
    score.add([planted(True)])
    text = page.section(score, 1, 400)
    table = page.scores_in(text)
    assert list(table) == [*score.sections, "all"]
    assert table["relations"] == ("1", "1", "0", "100.0%", "100.0%")
    assert page.put(f"before\n{page.BEGIN}\nold\n{page.END}\nafter", text) == f"before\n{text}\nafter"
    assert all(len(line) <= 110 for line in text.splitlines())


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(page.NoPlace, match="mutants:begin"):
        page.put("nothing", "text")


def test_readme_tells_the_score_of_every_section() -> None:
    table = page.scores_in(README.read_text("utf-8"))
    assert list(table) == [*JUDGED, "all"], "make mutants MUTANTS=--write"
    for name, (*counts, raw, adjusted) in table.items():
        made, killed, equivalent = (int(count.replace(",", "")) for count in counts)
        assert killed + equivalent <= made, name
        assert raw == f"{killed / max(1, made):.1%}", name
        assert adjusted == f"{killed / max(1, made - equivalent):.1%}", name
