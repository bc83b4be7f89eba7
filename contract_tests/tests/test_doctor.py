"""`contract doctor`: each step says what was seen and what to do, and no target holds it up."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from contract_tests.run.doctor import NAMES, Examination
from contract_tests.run.doctor_step import State, Step
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import Options
from contract_tests.tests.small_target import (
    MODEL,
    QUICK,
    Answerer,
    SmallTarget,
    completed,
    completion,
    lead_astray,
    refusal,
    reply,
    sensible,
)
from contract_tests.tests.test_cli import KEY, contract
from fake_server import FakeServer
from fake_server.tests.hostile import ZOO, target
from fake_server.tests.test_relay_tls import make_certificate
from fake_server.wire.bounds import Bounds

MOST_REQUESTS = 10
HOSTILE = list(ZOO)[::8]
"""Each way of being hostile is tried on a run; here a sample, as each step waits for its limit."""


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


async def examine(url: str, **options: Any) -> Examination:
    examination = Examination(Options(url, **{"bounds": QUICK, "run_seconds": 20.0, **options}))
    async for step in examination.steps():
        assert step is examination.steps_done[-1]
    assert [step.name for step in examination.steps_done] == list(NAMES)
    assert examination.session.requests <= MOST_REQUESTS
    return examination


def of(answer: Answerer, **options: Any) -> tuple[dict[str, Step], ExitCode, SmallTarget]:
    """The steps of an examination by name, its exit code, and the target that was asked."""

    async def go() -> tuple[dict[str, Step], ExitCode, SmallTarget]:
        async with SmallTarget(answer) as small:
            examination = await examine(options.pop("url", small.base_url).replace("PORT", str(small.port)), **options)
            return {step.name: step for step in examination.steps_done}, examination.code, small

    found: tuple[dict[str, Step], ExitCode, SmallTarget] = completed(go())
    return found


def states(steps: dict[str, Step]) -> str:
    """The first letters of the states in order, such as `oosoooo`."""
    return "".join(steps[name].state[0] for name in NAMES)


def to_chat(dict_: bytes | None, stream: bytes | None) -> Answerer:
    return lambda asked: (stream if asked.json.get("stream") else dict_) if asked.body else None


# -- what is right


def test_a_target_that_is_well_is_called_so_step_by_step(tmp_path: Path) -> None:
    written = tmp_path / "doctor.json"
    with FakeServer([], seed=1, plain=True, api_key=KEY) as fake:
        done = contract("doctor", fake.url, "--json", str(written), OPENAI_API_KEY=KEY, COLUMNS="400")
    assert (done.returncode, done.stderr) == (0, "")
    for name, state, words in (
        ("name", "ok", "127.0.0.1 is an address"),
        ("connect", "ok", r"127.0.0.1 port \d+ accepts connections"),
        ("TLS", "skipped", "the URL begins with http://"),
        ("auth", "ok", r"the key is accepted, and is needed \(without it: status 401\)"),
        ("models", "ok", r"\d+ models: gpt-3.5-turbo, .* and \d+ more; gpt-3.5-turbo is asked for"),
        ("dict", "ok", "status 200, application/json, .* bytes; first byte after"),
        ("stream", "ok", r"status 200, text/event-stream, .* \d+ events in \d+ write"),
    ):
        seconds = r"" if state == "skipped" else r"\d+\.\d{3} s"
        assert re.search(rf"^\S {name} +{state} +{seconds} +{words}", done.stdout, re.MULTILINE), (name, done.stdout)
    assert done.stdout.splitlines()[-1] == (
        "WELL  a dict and a stream are answered; `contract run` judges how; 5 requests (exit code 0)"
    )
    report = json.loads(written.read_text())
    assert (report["format"], report["verdict"], report["exit_code"]) == ("openai-contract-doctor/1", "well", 0)
    assert [step["name"] for step in report["steps"]] == list(NAMES)
    assert KEY not in done.stdout + written.read_text()


@pytest.mark.parametrize("path", ["", "/v1", "/v1/chat/completions", "/"])
def test_the_base_url_is_found_as_a_run_finds_it(path: str) -> None:
    steps, code, small = of(sensible, url=f"http://127.0.0.1:PORT{path}")
    assert (code, states(steps)) == (ExitCode.OK, "oosoooo")
    assert {asked.path for asked in small.asked if asked.body} == {"/v1/chat/completions"}


def test_a_name_is_resolved_and_its_addresses_shown() -> None:
    steps, code, _ = of(sensible, url="http://localhost:PORT/v1")
    assert re.match(r"localhost is (127\.0\.0\.1|::1)", steps["name"].seen)
    assert code is ExitCode.OK


# -- what is wrong, and what to do


@pytest.mark.parametrize(
    ("answer", "name", "seen", "todo", "code"),
    [
        (lambda asked: refusal(401, "no key"), "auth", "status 401: no key", "requires a key; set OPENAI_API_KEY", 3),
        (lambda asked: refusal(403, "go away"), "auth", "status 403: go away", "OPENAI_API_KEY", 3),
        (to_chat(refusal(401, "no key"), refusal(401, "no key")), "dict", "status 401", "requires a key", 3),
        (to_chat(*(refusal(404, "no such model", code="model_not_found"),) * 2), "dict", "404", "with --model", 3),
        (to_chat(None, refusal(500, "boom")), "stream", "status 500: boom", "see the target's log", 1),
        (to_chat(refusal(500, "boom"), None), "dict", "status 500: boom", "see the target's log", 1),
        (to_chat(None, completion()), "stream", "no stream of events", "streams", 1),
        (to_chat(*(reply(200, b"<html>hello</html>", kind="text/html"),) * 2), "stream", "status 200", "web page", 3),
        (to_chat(*(refusal(429, "slow down", "Retry-After: 600"),) * 2), "dict", "429", "wait until it takes", 3),
    ],
)
def test_what_is_wrong_has_a_next_step(answer: Answerer, name: str, seen: str, todo: str, code: int) -> None:
    steps, found, _ = of(answer)
    assert (steps[name].state, found) == (State.FAILED, code), steps
    assert seen in steps[name].seen
    assert todo in steps[name].todo


def test_a_list_of_models_that_is_missing_or_odd_fails_nothing() -> None:
    steps, code, _ = of(lambda asked: refusal(404, "nothing here") if asked.path.endswith("/models") else None)
    assert (code, states(steps)) == (ExitCode.OK, "oosowoo")
    assert "no list of models (/v1/models: status 404: nothing here" in steps["models"].seen
    listing = reply(200, {"object": "list", "data": [{"id": "text-embedding-3"}, {"id": "mine"}]})
    steps, code, small = of(lambda asked: listing if asked.path.endswith("/models") else None)
    assert (code, steps["models"].state) == (ExitCode.OK, State.WARNING)
    assert {asked.json["model"] for asked in small.asked if asked.body} == {"mine"}
    assert "--model" in steps["models"].todo
    steps, _, small = of(sensible, model="other")
    assert steps["models"].seen.endswith(f"1 model: {MODEL}; other is not listed")
    assert {asked.json["model"] for asked in small.asked if asked.body} == {"other"}


def test_nobody_there_and_no_such_name_end_it_at_once() -> None:
    async def refused() -> Examination:
        async with SmallTarget() as small:
            await small.stop_listening()
            return await examine(small.base_url)

    examination = completed(refused())
    assert (examination.code, examination.session.requests) == (ExitCode.UNREACHABLE, 0)
    failed = examination.steps_done[1]
    assert (failed.state, failed.todo) == (State.FAILED, "start the server, or check the port")
    assert {step.seen for step in examination.steps_done[2:]} == {"not tried: connect failed"}
    for host in ("no-such-host.invalid", f"{'a' * 64}.invalid"):
        examination = completed(examine(f"http://{host}/v1"))
        assert examination.steps_done[0].state is State.FAILED
        assert "check the host's name" in examination.steps_done[0].todo


def test_plain_http_and_tls_are_told_apart(tmp_path: Path) -> None:
    steps, code, _ = of(sensible, url="https://127.0.0.1:PORT/v1")
    assert (code, states(steps)) == (ExitCode.UNREACHABLE, "oofssss")
    assert "use http://127.0.0.1" in steps["TLS"].todo
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def go(scheme: str, ca_file: str | None) -> list[Step]:
        async with target(hang_up, tls=context) as url:
            port = url.rpartition(":")[2]
            return (await examine(f"{scheme}://localhost:{port}", ca_file=ca_file)).steps_done

    untrusted = completed(go("https", None))[2]
    assert (untrusted.state, untrusted.todo) == (State.FAILED, "--ca-file FILE trusts another authority")
    trusted = completed(go("https", str(certificate)))[2]
    assert trusted.state is State.OK
    assert re.match(r"TLSv1\.\d, the certificate is trusted and valid until ", trusted.seen)
    assert "use https://" in completed(go("http", None))[3].todo


# -- hostile targets


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("name", HOSTILE)
def test_no_target_holds_it_up_or_breaks_it(name: str) -> None:
    handler = ZOO[name]
    small = Bounds(connect=2, first_byte=0.1, idle=0.1, exchange=0.2, body=100_000, event=50_000, head=8192, grace=0.05)

    async def go() -> Examination:
        async with target(handler) as url:
            return await examine(f"{url}/v1", bounds=small, api_key=KEY)

    examination = completed(go())
    for step in examination.steps_done:
        assert len(step.seen) + len(step.todo) < 2_000
        assert KEY not in step.seen + step.todo


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    "reply",
    [
        {"error": {"status": 500, "message": f"the key {KEY} is wrong"}},
        {"raw": {"status": 302, "headers": {"Location": f"http://elsewhere/?key={KEY}"}, "body": ""}},
        {"raw": {"status": 502, "headers": {"Content-Type": "text/html"}, "body": f"<html>\x1b[2J{KEY}</html>"}},
        {"raw": {"status": 200, "headers": {"Content-Type": f"text/{KEY}"}, "body": "x"}},
    ],
    ids=["error", "location", "page", "media type"],
)
def test_a_target_that_says_the_key_again_does_not_get_it_printed(reply: dict[str, Any], tmp_path: Path) -> None:
    written = tmp_path / "doctor.json"
    with FakeServer([{"name": "again", "reply": reply}], models=[f"m-{KEY}", f"\x1b[2J{KEY}"]) as fake:
        done = contract("doctor", fake.url, "--json", str(written), OPENAI_API_KEY=KEY)
    for text in (done.stdout, done.stderr, written.read_text()):
        assert KEY not in text
        assert "\x1b[2J" not in text
    assert "m-" in done.stdout


@pytest.mark.security("hostile targets")
def test_all_steps_together_have_a_time_limit() -> None:
    async def hang(asked: object) -> bytes:
        await asyncio.sleep(3600)
        return b""

    patient = Bounds(connect=2, first_byte=60, idle=60, exchange=60, grace=0.05)

    async def go() -> Examination:
        async with SmallTarget(hang) as small:
            return await examine(small.base_url, bounds=patient, run_seconds=0.5)

    examination = completed(go())
    assert examination.code is ExitCode.UNREACHABLE
    assert examination.steps_done[3].seen == "no end within 0.5 s"


def test_it_waits_for_a_target_that_is_starting() -> None:
    looks = iter((refusal(503, "loading"), refusal(502, "no upstream")))

    async def go(wait: float, answer: Answerer) -> tuple[Examination, int]:
        async with SmallTarget(answer) as small:
            examination = Examination(Options(small.base_url, bounds=QUICK, run_seconds=20.0), wait)
            names = [step.name async for step in examination.steps()]
            assert names == ["wait", *NAMES]
            return examination, len(small.asked)

    examination, asked = completed(go(30.0, lambda asked: next(looks, None)))
    assert (examination.code, examination.steps_done[0].seen) == (ExitCode.OK, "status 200")
    assert asked == 3 + examination.session.requests
    examination, _ = completed(go(0.1, lambda asked: refusal(503, "loading")))
    assert (examination.code, examination.steps_done[0].state) == (ExitCode.UNREACHABLE, State.FAILED)
    assert examination.steps_done[0].seen == "status 503: loading"
