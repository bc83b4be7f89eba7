"""`contract doctor` names what is no answer: a page, another JSON, an echo, a stream of nothing."""

from __future__ import annotations

import json

import pytest

from contract_tests.run.doctor_step import State
from contract_tests.run.outcome import ExitCode
from contract_tests.tests.small_target import Answer, Answerer, Asked, completion, lead_astray, reply, sensible, stream
from contract_tests.tests.test_cli import KEY
from contract_tests.tests.test_doctor import of, states, to_chat

HEALTH = {"status": "ok"}
LOGIN = b"<html><head><title>Log in</title></head><form>password <input type=password></form></html>"
PAGE = b"<!doctype html><title>Welcome to nginx!</title><h1>It works</h1>"


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def echo(asked: Asked) -> Answer:
    return reply(200, asked.json if asked.body else {"method": asked.method, "path": asked.path})


def events(*texts: str) -> Answer:
    return reply(200, "".join(f"data: {text}\n\n" for text in texts).encode(), kind="text/event-stream")


def always(answer: Answer) -> Answerer:
    return lambda asked: answer


TO_EVERYTHING = {
    "a health check": (always(reply(200, HEALTH)), "an object of status without `choices`", "no OpenAI API"),
    "an empty object": (always(reply(200, {})), "an object without `choices`", "no OpenAI API"),
    "an empty body": (always(reply(200, b"")), "the body is empty", "has a body"),
    "no content": (lambda asked: b"HTTP/1.1 204 No Content\r\n\r\n", "the body is empty", "has a body"),
    "a page": (always(reply(200, PAGE, kind="text/html")), "a web page", "check the URL"),
    "a page without a type": (always(reply(200, b"<!-- x --><p>hello", kind="text/plain")), "a web page", "check"),
    "a page of a sign-in": (always(reply(200, LOGIN, kind="text/html")), "a sign-in page", "which no key opens"),
    "a redirect to a sign-in": (
        always(reply(302, b"", "Location: https://sso.example.com/login?next=/v1")),
        "a sign-in page",
        "which no key opens",
    ),
    "a redirect": (always(reply(301, b"", "Location: /elsewhere/")), "a redirect, no answer", "it redirects to"),
    "an array": (always(reply(200, [1, 2, 3])), "an array of 3 values, no object", "no OpenAI API"),
    "a text": (always(reply(200, b"OK", kind="text/plain")), 'no JSON, but "OK"', "no OpenAI API"),
    "null": (always(reply(200, None)), "null, no object", "no OpenAI API"),
    "a number": (always(reply(200, 42)), "a number, no object", "no OpenAI API"),
    "an echo": (echo, "the request itself comes back", "echoes"),
    "an error": (always(reply(200, {"error": {"message": "boom"}})), "status 200: boom", ""),
    "an error of another form": (always(reply(200, {"success": False, "msg": "no quota"})), "no quota", ""),
    "broken JSON": (always(reply(200, b'{"id": "chatcmpl-1", "choices": [{')), "broken JSON", "cuts off"),
    "no choices": (always(reply(200, {"object": "chat.completion", "choices": []})), "`choices` is empty", "log"),
    "choices of nothing": (always(reply(200, {"choices": [None]})), "choices[0] has no `message`", "another form"),
    "an empty message": (always(reply(200, {"choices": [{"message": {}}]})), "choices[0] has no `message`", ""),
    "choices that are text": (always(reply(200, {"choices": "Hello."})), "`choices` is a string, no array", ""),
    "Ollama's own": (always(reply(200, {"model": "m", "message": {"content": "Hi"}, "done": True})), "Ollama", "/v1"),
    "Anthropic's": (always(reply(200, {"type": "message", "content": [{"text": "Hi"}]})), "Anthropic", "/v1"),
    "Gemini's": (always(reply(200, {"candidates": []})), "Gemini", "/v1"),
    "a compressed nothing": (always(reply(200, b"xx", "Content-Encoding: gzip")), "cannot be unpacked", "compresses"),
}
STREAMS = {
    "no event": (reply(200, b"", kind="text/event-stream"), "the body is empty"),
    "comments": (reply(200, b": ping\n\n: ping\n\n", kind="text/event-stream"), "without a data event"),
    "done at once": (events("[DONE]"), "nothing but [DONE]"),
    "texts": (events("Hello", "[DONE]"), 'no JSON object, but "Hello"'),
    "health": (events(json.dumps(HEALTH), "[DONE]"), "an object of status without `choices`"),
    "an array": (events("[1, 2]"), "no JSON object"),
    "choices of nothing": (events('{"choices": [{}]}', "[DONE]"), "choices[0] has no `delta`"),
    "an error": (events('{"error": {"message": "boom"}}', "[DONE]"), "status 200: boom"),
    "one answer": (completion(), "one JSON answer, no stream of events"),
    "other JSON": (reply(200, HEALTH), "no stream of events, but an object of status"),
    "a page": (reply(200, PAGE, kind="text/html"), "a web page"),
    "events of another API": (events('{"type": "response.created"}'), "the Responses API"),
}


@pytest.mark.parametrize("name", TO_EVERYTHING)
def test_what_answers_the_same_to_everything_has_no_answer(name: str) -> None:
    answer, seen, todo = TO_EVERYTHING[name]
    steps, code, _ = of(answer, api_key=KEY)
    assert code is ExitCode.UNREACHABLE, steps
    for step in (steps["dict"], steps["stream"]):
        assert step.state is State.FAILED
        assert step.todo, "each failure has a next step"
    assert seen in steps["dict"].seen
    assert todo in steps["dict"].todo
    assert steps["auth"].state in (State.FAILED, State.WARNING), "no such server has accepted a key"
    assert steps["models"].state is State.WARNING
    assert "no list of models" in steps["models"].seen


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_says_nothing_is_no_answer(name: str) -> None:
    answer, seen = STREAMS[name]
    steps, code, _ = of(to_chat(None, answer))
    assert (code, states(steps)) == (ExitCode.FINDINGS, "oosooof"), steps
    assert seen in steps["stream"].seen
    assert steps["stream"].todo


def test_a_stream_in_place_of_a_dict_is_named() -> None:
    steps, code, _ = of(to_chat(stream(), None))
    assert (code, steps["dict"].state) == (ExitCode.FINDINGS, State.FAILED)
    assert "a stream, though none was asked for" in steps["dict"].seen


@pytest.mark.parametrize(
    ("bare", "words"),
    [
        (reply(302, b"", "Location: /login"), "is needed (without it: status 302)"),
        (reply(200, LOGIN, kind="text/html"), "is needed (without it: status 200)"),
        (reply(401, {"error": {"message": "no"}}), "is needed (without it: status 401)"),
        (reply(500, b""), "without it there is no list (without it: status 500)"),
    ],
)
def test_whether_the_key_is_needed_is_told_by_a_list_not_by_a_status(bare: Answer, words: str) -> None:
    def answer(asked: Asked) -> Answer | None:
        return None if "authorization" in asked.headers else bare

    steps, _, _ = of(answer, api_key=KEY)
    assert steps["auth"].state is State.OK
    assert words in steps["auth"].seen


@pytest.mark.parametrize("listing", [{"data": [1, 2]}, {"data": [{"name": "m"}]}])
def test_a_list_without_ids_is_no_empty_list(listing: object) -> None:
    steps, code, _ = of(lambda asked: reply(200, listing) if asked.path.endswith("/models") else None)
    assert (code, steps["models"].state) == (ExitCode.OK, State.WARNING)
    assert "no entry has an id" in steps["models"].seen


def test_answers_of_older_and_odd_servers_are_answers() -> None:
    older = reply(200, {"choices": [{"text": "Hi"}]})
    filtered = json.dumps({"choices": [], "prompt_filter_results": []})
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]})
    steps, code, _ = of(to_chat(older, events(filtered, chunk, "[DONE]")))
    assert (code, states(steps)) == (ExitCode.OK, "oosoooo"), steps


def test_a_silent_model_is_a_warning() -> None:
    steps, code, _ = of(to_chat(completion(""), stream("")))
    assert (code, states(steps)) == (ExitCode.OK, "oosooww")
    assert "without a word" in steps["dict"].seen


def test_a_page_under_one_prefix_hides_no_api_under_the_other() -> None:
    def answer(asked: Asked) -> Answer:
        return sensible(asked) if asked.path.startswith("/v1") else reply(200, PAGE, kind="text/html")

    steps, code, _ = of(answer, url="http://127.0.0.1:PORT", api_key=KEY)
    assert (code, states(steps)) == (ExitCode.OK, "oosoooo"), steps
