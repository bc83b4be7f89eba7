"""Scripts over a real socket: answers, refusals and raw replies; a miss that is explained."""

from __future__ import annotations

from fake_server.scripts import book as scripts
from fake_server.server.settings import Settings
from fake_server.tests.edge_client import ASK, ask, serving


def test_scripts_errors_and_raw_replies() -> None:
    book = scripts.parse(
        [
            {
                "name": "busy",
                "when": {"messages": {"last": {"contains": "busy"}}},
                "reply": {"error": {"status": 429, "message": "wäit", "headers": {"Retry-After": "3"}}},
            },
            {
                "name": "odd",
                "when": {"messages": {"last": {"contains": "odd"}}},
                "reply": {
                    "raw": {
                        "status": 203,
                        "headers": {"Content-Type": "text/odd", "Content-Length": "9999"},
                        "body": "ö",
                        "stream": ["a\nb", "[DONE]"],
                    }
                },
            },
            {"name": "empty", "reply": {"raw": {"status": 204, "body": "never sent"}}},
        ]
    )
    with serving(Settings(book=book)) as port:
        busy = ask(port, body={**ASK, "messages": [{"role": "user", "content": "busy"}]})
        assert (busy.status, busy.headers["retry-after"]) == (429, "3")
        assert busy.error["message"] == "wäit"
        odd = {**ASK, "messages": [{"role": "user", "content": "odd"}]}
        whole = ask(port, body=odd)
        assert (whole.status, whole.headers["content-type"], whole.body) == (203, "text/odd", "ö".encode())
        streamed = ask(port, body={**odd, "stream": True})
        assert streamed.body == b"data: a\ndata: b\n\ndata: [DONE]\n\n"
        empty = ask(port, body=ASK)
        assert (empty.status, empty.body) == (204, b"")


def test_strict_explains_a_miss() -> None:
    with serving(Settings(strict=True)) as port:
        reply = ask(port, body=ASK)
        assert (reply.status, reply.error["code"]) == (404, "no_fixture_match")
