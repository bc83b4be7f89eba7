"""main() asks the server that it was given, whatever that one says of others."""

from __future__ import annotations

import pytest

from contract_tests.tests.sdk_runs import EACH_GENERATION, KEY, Driver, driver_for
from contract_tests.tests.sdk_server import JSON, PRINTED, WHOLE, RawServer, answer, head, stream

PROMPT = "a word that nobody else may read"


@pytest.fixture(params=EACH_GENERATION)
def run(request: pytest.FixtureRequest) -> Driver:
    return driver_for(request.param)


def redirect(status: int, location: str) -> bytes:
    """A reply that sends its client elsewhere."""
    return head(status, JSON, f"Location: {location}", "Content-Length: 2") + b"{}"


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{there}/v1/chat/completions",
        "HTTP://127.0.0.1:{there}/v1/chat/completions",
        "//127.0.0.1:{there}/v1/chat/completions",
        "/\\127.0.0.1:{there}/v1/chat/completions",
        "\\\\127.0.0.1:{there}/v1/chat/completions",
        "/\t/127.0.0.1:{there}/v1/chat/completions",
        "http:/\\127.0.0.1:{there}/v1/chat/completions",
        "http://127.0.0.1:{here}@127.0.0.1:{there}/v1",
        "http://127.0.0.1:{here}/@127.0.0.1:{there}/../..//127.0.0.1:{there}/v1",
        "http://127.0.0.1:{here}\\@127.0.0.1:{there}/v1",
        "http://localhost:{there}/v1",
    ],
)
def test_neither_key_nor_prompt_goes_where_a_redirect_leads(run: Driver, status: int, location: str) -> None:
    with RawServer(stream(*WHOLE)) as there:
        with RawServer(b"") as here:
            # other things than the reply may follow at the same server, but nothing at the other
            to = location.format(here=here.port, there=there.port)
            here.act = lambda connection, _: connection.sendall(
                redirect(status, to) if len(here.requests) == 1 else head(404, JSON) + b"{}"
            )
            done = run("--base-url", here.url, "--prompt", PROMPT, "--timeout", "60", OPENAI_API_KEY=KEY)
        assert there.requests == []
    assert (done.code, done.out) == (4, "")
    assert done.err.count("\n") == 1
    assert KEY not in done.err


@pytest.mark.parametrize("form", ["/v1/chat/completions/", "http://127.0.0.1:{here}/v2/chat/completions?x=1"])
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_server_is_followed(run: Driver, status: int, form: str) -> None:
    with RawServer(b"") as here:
        replies = [redirect(status, form.format(here=here.port)), stream(*WHOLE)]
        here.act = lambda connection, _: connection.sendall(replies.pop(0))
        done = run("--base-url", here.url, OPENAI_API_KEY=KEY)
    assert (done.code, done.out, done.err) == (0, PRINTED, "")
    assert len(here.requests) == 2


def test_the_line_names_where_the_redirect_leads(run: Driver) -> None:
    with RawServer(redirect(307, f"https://other.invalid/v1?key={KEY}")) as here:
        done = run("--base-url", here.url, "--no-stream", OPENAI_API_KEY=KEY)
    assert done.code == 4
    assert "307" in done.err
    assert "https://other.invalid/v1?key=[key]" in done.err
    assert "--base-url" in done.err


def test_a_reply_with_a_location_that_is_no_redirect_is_read(run: Driver) -> None:
    reply = head(200, JSON, "Location: https://other.invalid/") + answer("A tree")
    with RawServer(reply) as here:
        done = run("--base-url", here.url, "--no-stream")
    assert (done.code, done.out) == (0, "A tree\n")
