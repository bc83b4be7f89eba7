"""Each relation rule is silent on a trace that keeps it, and alone on one that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract_tests.rules import RULES, judge_trace
from contract_tests.rules.engine.trace import Trace
from contract_tests.tests import test_relations_of_responses
from contract_tests.tests.small_traces import (
    CALL,
    H_I,
    HI,
    NOT_FOUND,
    OTHER_CALL,
    USAGE,
    asked_back,
    batch,
    begun,
    between,
    both,
    by_default,
    callers,
    choices,
    counted,
    dated,
    echo,
    headed,
    ids,
    in_parts,
    json_of,
    kept,
    left_behind,
    limited,
    looked_up,
    main,
    moderated,
    named,
    pages,
    pictured,
    repeated,
    said,
    samples,
    stopped,
    streamed,
    valid,
    vectors,
    view_of,
    without_a_key,
)
from fake_server.wire.exchange import Ending

TRACES: list[tuple[str, Trace, list[Trace]]] = [
    (
        "relations.accepted",
        valid(said("Hi")),
        [
            valid(view_of(b'{"error": {"message": "no"}}', 400)),
            valid(view_of(b"", None, ending=Ending.UNREACHABLE, problem="refused the connection")),
        ],
    ),
    ("relations.same-text", both(said("Hello"), streamed("Hello")), [both(said("Hello"), streamed("Helo"))]),
    (
        "relations.same-calls",
        both(said("", tool_calls=[CALL]), streamed("", tool_calls=[CALL])),
        [
            both(said("", tool_calls=[CALL]), streamed("")),
            both(said("", tool_calls=[CALL]), streamed("", tool_calls=[OTHER_CALL])),
            samples(said("", tool_calls=[CALL, CALL]), streamed("", tool_calls=[OTHER_CALL])),
        ],
    ),
    (
        "relations.same-finish",
        both(said("Hello", "length"), streamed("Hello", "length")),
        [
            both(said("Hello", "length"), streamed("Hello", "stop")),
            samples(said("Hello", "length"), streamed("hello", "stop")),
        ],
    ),
    (
        "relations.same-model",
        both(said("Hi", model="m-2024-07-18"), streamed("Hi", model="m-2024-07-18")),
        [
            both(said("Hi", model="m-2024-07-18"), streamed("Hi", model="m")),
            samples(said("Hi", model="m-2024-07-18"), streamed("hi", model="m")),
        ],
    ),
    ("relations.prompt-once", choices(9, 9), [choices(9, 18), choices(9, 10)]),
    (
        "relations.cut-said",
        limited("length", "one, two,", "One, two, three, four"),
        [limited("stop", "one, two, ", "one, two, three, four"), limited("stop", "one, tw", "One, two, three")],
    ),
    ("relations.echo-whole", echo("You said: ka żółw 🌳 kb"), [echo("ka zolw 🌳 kb"), echo("ka żółw  kb")]),
    (
        "relations.echo-kept",
        echo("You said: ka żółw 🌳 kb", None),
        [echo("ka zolw 🌳 kb", None), echo("ka żółw  kb", False)],
    ),
    (
        "relations.own-answer",
        callers("k0", "k1", "k2"),
        [callers("k0", "k2", "k1"), callers("k0", "k1", "k2 k1")],
    ),
    ("relations.answer-under-load", callers("k0", "k1", "k2"), [callers("k0", "k1", "")]),
    (
        "relations.as-alone",
        Trace("t", {}, only_beside={}),
        [Trace("t", {}, only_beside={"http.complete": "cut", "relations.accepted": "status 503"})],
    ),
    ("client.main-dict", main("dict", ""), [main("dict", "exit code 7: the reply is empty")]),
    ("client.main-stream", main("stream", ""), [main("stream", "exit code 7: the reply is empty")]),
    (
        "relations.refused-for-good",
        between(400),
        [between(429), between(503)],
    ),
    (
        "relations.key-refused",
        without_a_key(401, 403),
        [without_a_key(200, 401), without_a_key(401, 200), without_a_key(500, 500)],
    ),
    ("relations.preflight-answered", pages(204, "*"), [pages(401, "*"), pages(204, None), pages(405, None)]),
    (
        "relations.leaver-not-served",
        left_behind(0.3, 1.3, 1.3, 0.3),
        [left_behind(0.3, 2.3, 2.3, 0.3), left_behind(0.1, 60.0, 0.9, 0.1)],
    ),
    ("relations.streamed-as-made", begun((0.2, 0.9), (0.2, 5.0)), [begun((0.2, 5.0), (0.3, 4.0))]),
    ("relations.head-answered", headed(200), [headed(500), headed(502)]),
    ("relations.name-counted", named(23, 8), [named(8, 8)]),
    ("relations.asked-back", asked_back("?", "ka", "Ka"), [asked_back(*["?", "ka"] * 4)]),
    ("relations.offered-by-default", by_default(True), [by_default(*[False, True] * 4)]),
    ("relations.model-by-slash", looked_up(200, 200), [looked_up(200, 404), looked_up(404, 200)]),
    ("relations.image-counted", pictured(93, 8), [pictured(8, 8)]),
    (
        "relations.same-usage",
        both(said("Hi", usage=USAGE), streamed("Hi", usage=USAGE)),
        [
            both(said("Hi", usage=USAGE), streamed("Hi", usage={**USAGE, "prompt_tokens": 8})),
            samples(said("Hi", usage=USAGE), streamed("hi", usage={**USAGE, "prompt_tokens": 8})),
        ],
    ),
    (
        "relations.same-logprobs",
        both(said("Hi", logprobs=HI), streamed("Hi", logprobs=HI)),
        [both(said("Hi", logprobs=HI), streamed("Hi", logprobs=H_I))],
    ),
    ("relations.parts-as-text", in_parts("Hi", "Hi"), [in_parts("Hi", "")]),
    (
        "relations.parts-repeated",
        repeated("ka or kb", "You said: ka or kb"),
        [repeated("ka or kb", "What am I to repeat?")],
    ),
    ("relations.own-ids", ids("chatcmpl-1", "chatcmpl-2"), [ids("chatcmpl-1", "chatcmpl-1")]),
    (
        "relations.batch-as-single",
        vectors("batch", "single 1", [1.0, 0.0], [1.0, 0.01]),
        [vectors("batch", "single 1", [1.0, 0.0], [0.0, 1.0])],
    ),
    ("relations.batch-counted", counted(11, 7, 4), [counted(7, 7, 4), counted(14, 7, 4), counted(12, 7, 4)]),
    (
        "relations.cut-vector",
        vectors("whole", "cut", [0.48, 0.64, 0.6], [0.6, 0.8]),
        [vectors("whole", "cut", [0.48, 0.64, 0.6], [0.48, 0.64])],
    ),
    ("relations.created-now", dated(hours=0.1), [dated(hours=1), dated(hours=-5.5)]),
    (
        "relations.stop-there",
        stopped("one two three "),
        [
            *map(stopped, ("one", "one two three  five", "one two threesix", "", "Sure: one two", "one two th")),
            *(stopped(f"one two three {rest}", "four five") for rest in ("four", "fo", "four ", "four six")),
        ],
    ),
    ("relations.texts-apart", batch([1.0, 0.0], [0.9, 0.1]), [batch([1.0, 0.0], [1.0, 0.0])]),
    (
        "relations.encodings-agree",
        vectors("float", "base64", [0.5, 0.0], "AAAAPwAAAAA="),
        [vectors("float", "base64", [0.0, 0.5], "AAAAPwAAAAA=")],
    ),
    (
        "relations.moderated-alike",
        moderated(True, False, again=(False, True)),  # what differs once is chance
        [moderated(True, False), moderated(True, True, again=(True, True))],
    ),
    (
        "relations.stored-found",
        kept(stored=NOT_FOUND, **{"stored 2": said("Hello", id="c1")}),
        [kept(stored=NOT_FOUND), kept(stored=NOT_FOUND, listed=json_of({"data": []}))],
    ),
    (
        "relations.stored-listed",
        kept(listed=json_of({"data": []}), **{"listed 2": json_of({"data": [{"id": "c1"}]})}),
        [kept(listed=json_of({"data": [{"id": "c2"}]}))],
    ),
    (
        "relations.stored-as-created",
        kept(stored=said("Hello", id="c1")),
        [
            kept(stored=said("Hello", id="c2")),
            kept(stored=said("Hello", "length", id="c1")),
            kept(stored=json_of({"id": "c1", "choices": []})),
        ],
    ),
    (
        "relations.stored-messages",
        kept(messages=json_of({"data": [{"role": "user", "content": "Hi?", "id": "m1"}]})),
        [
            kept(messages=json_of({"data": [{"role": "system", "content": "Hi?"}]})),
            kept(messages=json_of({"data": []})),
        ],
    ),
    (
        "relations.stored-updated",
        kept(
            updated=json_of({"choices": [1], "metadata": {"topic": "a"}}),
            reread=json_of({"choices": [1], "metadata": {"topic": "a"}}),
        ),
        [
            kept(updated=json_of({"metadata": {"topic": "a"}}), reread=json_of({"metadata": {"topic": "b"}})),
            kept(updated=json_of({"choices": [1]}), reread=json_of({"choices": []})),
        ],
    ),
    (
        "relations.stored-deleted",
        kept(deleted=json_of({"deleted": True}), gone=said("Hello", id="c1"), **{"gone 2": NOT_FOUND}),
        [kept(deleted=json_of({"deleted": True}), gone=said("Hello", id="c1"))],
    ),
    (
        "relations.not-stored",
        Trace("t", {"unstored": said("Hello"), "looked up": NOT_FOUND}),
        [Trace("t", {"unstored": said("Hello"), "looked up": said("Hello")})],
    ),
]


def test_every_relation_rule_is_here() -> None:
    of_responses = {name for name, _, _ in test_relations_of_responses.TRACES}
    elsewhere = {  # test_web_socket_target.py, test_responses_built_in.py, test_responses_kept.py
        *("relations.websocket-goes-on", "relations.websocket-stays-open", "relations.websocket-forgets"),
        "relations.stream-taken-up",
        *("relations.conversation-pages", "relations.conversation-echoed", "relations.response-input-pages"),
        *("relations.found-by-id", "relations.conversation-item-as-added"),
    }
    here = {name for name, _, _ in TRACES} | of_responses
    assert {rule.id for rule in RULES.values() if rule.relation} == here | elsewhere


@pytest.mark.parametrize(("name", "kept", "broken"), TRACES, ids=[name for name, _, _ in TRACES])
def test_a_relation_rule_tells_kept_from_broken(name: str, kept: Trace, broken: list[Trace]) -> None:
    judged = judge_trace(kept)
    assert name in judged.applied
    assert not judged.findings
    for trace in broken:
        assert judge_trace(trace).ids() == {name}


def test_nothing_is_compared_where_equal_requests_have_unlike_answers() -> None:
    for deterministic in (False, None):
        trace = Trace("t", {"dict": said("a"), "stream": streamed("b")}, deterministic=deterministic)
        assert not judge_trace(trace).applied


def test_one_slow_answer_behind_a_leaver_is_chance() -> None:
    for seconds in ((0.3, 9.0, 0.3, 0.3), (0.3, 9.0, 9.0, 9.0), (9.0, 9.5, 9.5, 0.3)):
        assert not judge_trace(left_behind(*seconds)).findings


def test_parts_are_not_held_to_what_a_string_does_not_get() -> None:
    assert not judge_trace(replace(repeated("no", "no"), deterministic=None)).applied


def test_a_difference_that_is_not_repeated_is_none() -> None:
    """A stream and a dict that agree once can agree: each property for itself."""
    views = {"dict": said("Hello"), "stream": streamed("Helo"), "dict 2": said("Hello"), "stream 2": streamed("Hello")}
    assert not judge_trace(Trace("t", views, deterministic=True)).findings
    views["stream 2"] = streamed("Hello", "length")
    assert not judge_trace(Trace("t", views, deterministic=True)).findings
    views["stream 2"] = streamed("Hell")
    assert judge_trace(Trace("t", views, deterministic=True)).ids() == {"relations.same-text"}


def test_what_no_wording_changes_is_compared_where_there_are_enough_answers() -> None:
    whole, stream = said("Hi", "length"), streamed("hi", "stop")
    for number, broken in ((7, set[str]()), (8, {"relations.same-finish"})):
        assert judge_trace(samples(whole, stream, number)).ids() == broken
    once = samples(whole, stream)
    assert not judge_trace(samples(said("", tool_calls=[CALL]), streamed("", tool_calls=[OTHER_CALL]))).findings
    assert not judge_trace(replace(once, roles={**once.roles, "stream 5": streamed("hi", "length")})).findings


def test_an_answer_that_ends_by_itself_is_not_said_to_be_cut() -> None:
    """Each of its samples has to claim so, and each longer answer to go on with its text."""
    trace = limited("stop", "one, two.", "one, two.")
    assert not judge_trace(trace).findings
    for more in ({"longer 2": said("one, two.")}, {"dict 2": said("one,", "length")}):
        cut = limited("stop", "one, two", "one, two, three")
        assert not judge_trace(replace(cut, roles={**cut.roles, **more})).findings


def test_an_echo_is_spoiled_only_if_it_is_each_time() -> None:
    spoiled, whole = said("ka zolw 🌳 kb"), said("ka żółw 🌳 kb")
    for second, broken in ((whole, set[str]()), (spoiled, {"relations.echo-whole"})):
        views = {"stream": spoiled, "stream 2": second}
        trace = Trace("t", views, dict.fromkeys(views, "ka żółw 🌳 kb"), True)
        assert judge_trace(trace).ids() == broken


def test_a_capital_letter_is_no_loss() -> None:
    """In an invented word, in a text that is repeated, before and in a stop sequence: it is the model's choice."""
    assert not judge_trace(callers("K0", "k1", "K2")).findings
    assert judge_trace(callers("k0", "K2", "k1")).ids() == {"relations.own-answer"}
    assert not judge_trace(echo("ka Żółw 🌳 kb", None)).findings
    assert not judge_trace(stopped("One two three ")).findings
    assert not judge_trace(stopped("one two three Four five six")).findings
    for text in (
        "One, two, three",
        "What am I to repeat?",
        "Sure: one two three",
        '"one two three ',
        "one two three",
        "1 2 3",
    ):
        assert not judge_trace(stopped(text, "four five")).findings


def test_a_batch_that_is_counted_rightly_once_can_be() -> None:
    wrong, right = counted(7, 7, 4).roles, counted(11, 7, 4).roles
    again = {f"{role} again": view for role, view in right.items()}
    assert not judge_trace(Trace("t", {**wrong, **again})).findings
    again = {f"{role} again": view for role, view in wrong.items()}
    assert judge_trace(Trace("t", {**wrong, **again})).ids() == {"relations.batch-counted"}


def test_vectors_of_another_length_are_cut_as_they_are() -> None:
    assert not judge_trace(vectors("whole", "cut", [4.8, 6.4, 6.0], [4.8, 6.4])).applied
    assert not judge_trace(vectors("whole", "cut", [0.6, 0.8], [0.6, 0.8])).applied


def test_what_a_cache_may_have_answered_is_not_held_to_its_date() -> None:
    assert not judge_trace(dated(hours=5, word="knight")).applied


def test_one_answer_that_ends_wrongly_is_chance() -> None:
    wrong, right = stopped("one two three four", "four five"), stopped("one two three", "four five")
    assert judge_trace(wrong).ids() == {"relations.stop-there"}
    for more in ({"stopped 2": right.roles["stopped"]}, {"whole 2": said("one, two")}):
        assert not judge_trace(replace(wrong, roles={**wrong.roles, **more})).findings
    alone = {role: view for role, view in wrong.roles.items() if role != "whole"}
    assert not judge_trace(replace(wrong, roles=alone)).applied


def test_parts_are_not_compared_with_a_reply_that_failed() -> None:
    refusal = view_of(b'{"error": {"message": "no"}}', 502)
    assert not judge_trace(Trace("t", {"dict": said("Hi"), "parts": refusal}, deterministic=True)).applied


def test_a_bad_request_is_put_off_with_good_ones() -> None:
    for role in ("beside refusal 1", "beside refusal 1 2"):
        trace = between(429)
        busy = view_of(b'{"error": {"message": "busy"}}', 429)
        assert not judge_trace(replace(trace, roles={**trace.roles, role: busy})).applied


def test_a_refusal_that_the_right_key_gets_too_is_not_about_the_key() -> None:
    trace = without_a_key(400, 400)
    right = view_of(b'{"error": {"message": "no"}}', 400)
    assert not judge_trace(replace(trace, roles={**trace.roles, "right key": right})).applied
    finding = judge_trace(replace(trace, roles={**trace.roles, "right key": said("Hi")})).findings[0]
    assert "expense" not in finding.harm


def test_a_server_that_fails_does_not_ask_for_another_client() -> None:
    failures = (view_of(b"no", 502), view_of(b"", None, ending=Ending.UNREACHABLE, problem="refused the connection"))
    for view in failures:
        assert "rewritten" not in judge_trace(valid(view)).findings[0].harm


@pytest.mark.parametrize("repeats", [None, False])
def test_one_crowd_that_misses_a_word_is_chance(repeats: bool | None) -> None:
    assert not judge_trace(callers("k0", "k1", "", repeats=repeats)).findings


def test_callers_are_not_held_to_what_one_caller_does_not_get() -> None:
    assert not judge_trace(callers("no", "no", "no")).findings
