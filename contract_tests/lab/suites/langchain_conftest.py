# mypy: ignore-errors
"""What the suites need beside the fake, offline: this is their conftest.py.

Nothing of the classes under test is changed. Requests to api.openai.com go to the fake at FAKE_PORT (so that
no base URL is set, which would turn defaults of ChatOpenAI off); files that the suites download are made
here, and where tiktoken cannot download its vocabulary, bytes stand for tokens.
"""

from __future__ import annotations

import os
import struct
import zlib

import httpx
import httpx2
import pytest
import tiktoken

PORT = int(os.environ["FAKE_PORT"])


@pytest.fixture(scope="session", autouse=True)
def _offline():
    with pytest.MonkeyPatch.context() as patch:
        for client in (httpx2.Client, httpx2.AsyncClient):
            patch.setattr(client, "send", redirect(client.send))
        patch.setattr(httpx, "get", download)
        try:
            tiktoken.get_encoding("cl100k_base")
        except Exception:
            patch.setattr(tiktoken, "get_encoding", lambda name: BYTES)
            patch.setattr(tiktoken, "encoding_for_model", lambda name: BYTES)
        yield


def redirect(send):
    """`send`, with requests to api.openai.com sent to the fake instead."""

    def to_the_fake(self, request, **options):
        if request.url.host == "api.openai.com":
            request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=PORT)
            request.headers["host"] = f"127.0.0.1:{PORT}"
        return send(self, request, **options)

    return to_the_fake


def download(url, **options):
    """A small picture or document in place of one from the network."""
    content = PDF if str(url).endswith(".pdf") else PNG
    return httpx.Response(200, content=content, request=httpx.Request("GET", url))


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        png_chunk(b"IDAT", zlib.compress(b"\0\x80\x80\x80")),
        png_chunk(b"IEND", b""),
    )
)
PDF = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
BYTES = tiktoken.Encoding(
    "bytes",
    pat_str=r"\S+|\s+",
    mergeable_ranks={bytes([byte]): byte for byte in range(256)},
    special_tokens={},
)
