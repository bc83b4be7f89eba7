"""Places in which a credential may stand: 60 and more, several in each exchange so that all can be tried quickly."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote

from fake_server.tests.planted_secrets import MULTIPART, call, deltas, exchange, stream
from fake_server.wire.exchange import Exchange, Framing


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def token(text: str, *others: str) -> dict[str, object]:
    alternatives = [{"token": other, "logprob": -1.5, "bytes": list(other.encode())} for other in others]
    return {"token": text, "logprob": -0.25, "bytes": list(text.encode()), "top_logprobs": alternatives}


def legacy(key: str) -> dict[str, object]:
    tokens = cut(f"it is {key}", 6)
    ranks = [{piece: -0.1, "no": -3.5} for piece in tokens]
    return {"tokens": tokens, "text_offset": list(range(0, 6 * len(tokens), 6)), "top_logprobs": ranks}


def escaped(key: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in key)


MEMBERS: dict[str, Callable[[str], object]] = {
    "a string": lambda key: key,
    "a sentence": lambda key: f"Incorrect API key provided: {key}. Find yours at https://host/keys.",
    "api_key": lambda key: {"api_key": key},
    "headers": lambda key: {"headers": {"Authorization": f"Bearer {key}", "x-api-key": key}},
    "name and value": lambda key: [{"name": "x-api-key", "value": key}],
    "a list": lambda key: ["a", key, "b"],
    "a name": lambda key: {key: 1},
    "a URL": lambda key: f"https://host/v1/models?key={quote(key, safe='')}&page=2",
    "code of OAuth": lambda key: f"https://host/callback?code={quote(key, safe='')}",
    "user of a URL": lambda key: f"https://{quote(key, safe='')}@host/v1",
    "JSON in JSON": lambda key: json.dumps({"arguments": json.dumps({"value": key})}),
    "base64": lambda key: encode(f"the key is {key}, dear"),
    "base64 twice": lambda key: encode(encode(f"the key is {key}, dear")),
    "base64url": lambda key: base64.urlsafe_b64encode(b"\xff\xfe>> " + key.encode() + b" <").decode(),
    "hex": lambda key: f"the key is {key}, dear".encode().hex(),
    "percent": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "HTML": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "escapes of a log": lambda key: "".join(f"\\x{ord(char):02x}" for char in key),
    "gzip in base64": lambda key: base64.b64encode(gzip.compress(f"the key is {key}".encode(), mtime=0)).decode(),
    "tokens": lambda key: {"content": [token(piece) for piece in cut(f"it is {key}.", 5)]},
    "alternatives": lambda key: {"content": [token(piece, piece, "no") for piece in cut(key, 9)]},
    "second alternatives": lambda key: {"content": [token(piece, "no", piece) for piece in cut(key, 8)]},
    "legacy log probabilities": legacy,
    "characters": list,
    "pieces": lambda key: cut(key, 7),
    "content parts": lambda key: [{"type": "text", "text": piece} for piece in cut(key, 5)],
    "codes": lambda key: list(key.encode()),
    "codes as floats": lambda key: [float(code) for code in key.encode()],
    "codes as strings": lambda key: [str(code) for code in key.encode()],
    "codes as objects": lambda key: [{"code": code} for code in key.encode()],
    "hexadecimal codes": lambda key: [hex(code) for code in key.encode()],
    "pairs of hex": lambda key: [f"{code:02x}" for code in key.encode()],
    "codes in a text": lambda key: ", ".join(str(code) for code in key.encode()),
    "base64 in pieces": lambda key: cut(encode(f"the key is {key}, dear"), 9),
    "each piece in base64": lambda key: [encode(piece) for piece in cut(key, 6)],
    "hex in pieces": lambda key: cut(f"the key is {key}".encode().hex(), 5),
    "a column": lambda key: [[piece, "no"] for piece in cut(key, 6)],
    "rows": lambda key: [cut(half, 3) for half in halves(key)],
    "tokens in JSON in JSON": lambda key: json.dumps({"content": [token(piece) for piece in cut(key, 8)]}),
    "characters in JSON in JSON": lambda key: json.dumps(list(key)),
}
"""Members of a JSON body."""
FIELDS: dict[str, Callable[[str], tuple[str, str]]] = {
    "authorization": lambda key: ("Authorization", f"Bearer {key}"),
    "x-api-key": lambda key: ("X-Api-Key", key),
    "another field": lambda key: ("X-Echo", f"you sent {key}"),
    "cookie": lambda key: ("Cookie", f"lang=en; session={key}"),
    "base64 in a field": lambda key: ("X-State", encode(f"the key is {key}, dear")),
}
REPLY_FIELDS: dict[str, Callable[[str], tuple[str, str]]] = {
    "set-cookie": lambda key: ("Set-Cookie", f"token={key}; Path=/"),
    "location": lambda key: ("Location", f"https://host/?access_token={quote(key, safe='')}"),
    "a field of a reply": lambda key: ("X-Echo", key),
    "signature": lambda key: ("X-Signature", key),
}
EVENTS: dict[str, Callable[[str], list[object]]] = {
    "one delta": lambda key: [*deltas(f"it is {key}")],
    "two deltas": lambda key: [*deltas(*halves(key))],
    "deltas of two characters": lambda key: [*deltas(*cut(key, 2))],
    "deltas with log probabilities": lambda key: [
        {"choices": [{"index": 0, "delta": {"content": part}, "logprobs": {"content": [token(part, part)]}}]}
        for part in cut(f"it is {key}.", 6)
    ],
    "arguments": lambda key: [*(call(part) for part in ('{"k":"', *cut(key, 8), '"}'))],
    "base64 over deltas": lambda key: [*deltas(*halves(encode(f"the key is {key}, dear")))],
    "events of an item": lambda key: [
        {"type": "response.output_text.delta", "item_id": "a", "delta": part} for part in cut(key, 11)
    ],
}
WHOLE: dict[str, Callable[[str], Exchange]] = {
    "request target": lambda key: exchange(target=f"/v1/models?api-key={quote(key, safe='')}&x=1"),
    "path": lambda key: exchange(target=f"/v1/{quote(key, safe='')}/models"),
    "multipart": lambda key: exchange(asked=MULTIPART % key.encode()),
    "form": lambda key: exchange(asked=f"client_secret={quote(key, safe='')}&a=1".encode()),
    "trailer, 1xx, reason, problem": lambda key: exchange(
        informational=((103, (("X-Api-Key", key),)),), problem=f"it said {key}"
    ).but(
        headers=(("Transfer-Encoding", "chunked"),),
        framing=Framing.CHUNKED,
        trailers=(("X-Api-Key", key),),
        reason=f"No {key}",
    ),
    "an HTML page": lambda key: exchange(f"<p>no such key {html.escape(key)}</p>".encode(), kind="text/html"),
    "a gzipped reply": lambda key: exchange(
        gzip.compress(json.dumps({"message": f"no key {key}", "tokens": cut(key, 5)}).encode(), mtime=0),
        headers=(("Content-Encoding", "gzip"),),
    ),
    "UTF-16": lambda key: exchange(f'{{"a":"{key}"}}'.encode("utf-16-le")),
    "escaped JSON": lambda key: exchange(f'{{"a":"{escaped(key)}"}}'.encode()),
    "cut at any byte": lambda key: exchange(f'{{"a":"{key}"}}'.encode(), sizes=(9, 1, 5, 2, 7)),
}
PLACES = len(MEMBERS) + len(FIELDS) + len(REPLY_FIELDS) + len(EVENTS) + len(WHOLE)


def exchanges(key: str) -> Iterator[tuple[str, Exchange]]:
    """The credential in every place."""
    written = {name: json.dumps(place(key)) for name, place in MEMBERS.items()}
    for name, text in written.items():
        if set(text) & set("\\%&"):
            yield name, exchange(text.encode())
    plain = {name: json.loads(text) for name, text in written.items() if not set(text) & set("\\%&")}
    yield f"one of {', '.join(plain)}", exchange(json.dumps(plain).encode())
    fields = tuple(place(key) for place in FIELDS.values())
    yield (
        "a header field",
        exchange(
            asked=json.dumps({"messages": [{"content": [{"text": piece} for piece in cut(key, 9)]}]}).encode(),
            request=fields,
            headers=tuple(place(key) for place in REPLY_FIELDS.values()),
        ),
    )
    for name, events in EVENTS.items():
        yield name, stream(*events(key), b"[DONE]")
    for name, whole in WHOLE.items():
        yield name, whole(key)
