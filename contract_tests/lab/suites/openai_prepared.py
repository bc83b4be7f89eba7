# mypy: ignore-errors
"""A pytest plugin that lets tests written for a mock without state ask a server that has some.

openai-python's tests of resources name objects that nobody made, such as conv_123: its own mock answers for any id.
Here the object is made just before the request that names it, by the same client's transport, and the request names
the real one. Nothing else of a request is changed, and nothing of a reply. It runs in an environment of its own,
so it imports nothing of the kit.
"""

from __future__ import annotations

import json
import os
import urllib.request

import httpx2
import pytest

URL = os.environ["TEST_API_BASE_URL"]
RESPONSES = ("resp_677efb5139a88190b512bc3fef8e535d", "resp_123", "response_id")
CONVERSATION, ITEM = "conv_123", "msg_abc"


@pytest.fixture(scope="session", autouse=True)
def _prepared():
    with pytest.MonkeyPatch.context() as patch:
        for client in (httpx2.Client, httpx2.AsyncClient):
            patch.setattr(client, "send", prepared(client.send))
        yield


def prepared(send):
    """`send`, for a request that was made ready."""
    return lambda self, request, **options: send(self, prepare(request), **options)


def prepare(request):
    """The request, with the objects that its path and body name."""
    path, body = request.url.path, request.content
    names = {name: make_response("/cancel" in path) for name in RESPONSES if is_named(name, path, body)}
    if is_named(CONVERSATION, path, body):
        names[CONVERSATION], names[ITEM] = make_conversation()
    for name, real in names.items():
        path, body = path.replace(f"/{name}", f"/{real}"), body.replace(quoted(name), quoted(real))
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"content-length"]
    return httpx2.Request(
        request.method,
        request.url.copy_with(path=path),
        headers=headers,
        content=body or None,
        extensions=request.extensions,
    )


def is_named(name, path, body):
    return name in path.split("/") or quoted(name) in body


def quoted(name):
    return f'"{name}"'.encode()


def make_response(background):
    body = {"model": "gpt-4o-mini", "input": "Say one word.", "background": background}
    return post("responses", body)["id"]


def make_conversation():
    """A conversation with one item: the ids of both."""
    made = post("conversations", {})["id"]
    items = [{"type": "message", "role": "user", "content": "Say one word."}]
    return made, post(f"conversations/{made}/items", {"items": items})["data"][0]["id"]


def post(path, body):
    headers = {"content-type": "application/json", "authorization": "Bearer My API Key"}
    request = urllib.request.Request(f"{URL}/{path}", json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
        return json.load(reply)
