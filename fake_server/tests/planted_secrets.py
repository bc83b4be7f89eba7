"""Exchanges with a credential planted in each, and all that files can be made to say."""

from __future__ import annotations

import base64
import gzip
import html
import json
import zlib
from urllib.parse import quote

from fake_server.tests.strategies import cut
from fake_server.wire.exchange import Exchange, Framing, Headers, Request, Write

KEY = "sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5_Qe1"
PLAIN = "Zq81-opaque-Value-77-of-a-gateway"
"""A secret without a telling form: known only by where it stands."""


def exchange(
    body: bytes = b"{}",
    *,
    asked: bytes = b'{"model":"m"}',
    target: str = "/v1/chat/completions",
    request: Headers = (),
    headers: Headers = (),
    kind: str = "application/json",
    sizes: tuple[int, ...] = (),
    **more: object,
) -> Exchange:
    length = (("Content-Length", str(len(body))),)
    return Exchange(
        Request("POST", target, (("Host", "x"), *request), asked),
        200,
        (("Content-Type", kind), *headers, *length),
        cut(body, sizes) if sizes else ((Write(body),) if body else ()),
        framing=Framing.LENGTH,
        reason="OK",
        label="one",
        **more,  # type: ignore[arg-type]
    )


def stream(*data: object, **more: object) -> Exchange:
    body = b"".join(b"data: %s\n\n" % (item if isinstance(item, bytes) else json.dumps(item).encode()) for item in data)
    return exchange(body, kind="text/event-stream", **more)  # type: ignore[arg-type]


def deltas(*texts: str, index: int = 0) -> list[dict[str, object]]:
    return [{"choices": [{"index": index, "delta": {"content": text}}]} for text in texts]


def interleaved() -> list[dict[str, object]]:
    pairs = zip(deltas("a ", KEY[:9], KEY[9:], " b"), deltas("c", "d", "e", "f", index=1), strict=True)
    return [one for pair in pairs for one in pair]


def call(part: str) -> dict[str, object]:
    function = {"arguments": part}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": function}]}}]}


def escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(char):04x}" for char in text).encode()


def cut_in_two(text: str) -> tuple[str, str]:
    return text[:13], text[13:]


def wrong_checksum(data: bytes) -> bytes:
    return data[:-8] + bytes(4) + data[-4:]


SENT = (("Authorization", f"Bearer {PLAIN}"),)
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n%s\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ndata\r\n--b--\r\n'
)
GZIP = (("Content-Encoding", "gzip"),)

PLACES: dict[str, Exchange] = {
    "authorization": exchange(request=(("Authorization", f"Bearer {KEY}"),)),
    "authorization in capitals": exchange(request=(("AUTHORIZATION", f"bearer {PLAIN}"),)),
    "a key without a scheme": exchange(request=(("authorization", PLAIN),)),
    "basic": exchange(request=(("Authorization", "Basic " + base64.b64encode(f"me:{PLAIN}".encode()).decode()),)),
    "basic, its password in the body": exchange(
        f'"{PLAIN}"'.encode(),
        request=(("Authorization", "Basic " + base64.b64encode(f"me:{PLAIN}".encode()).decode()),),
    ),
    "basic, not ASCII": exchange(request=(("Authorization", f"Basic \xe9{PLAIN}"),)),
    "proxy-authorization": exchange(request=(("Proxy-Authorization", f"Bearer {PLAIN}"),)),
    "api-key": exchange(request=(("api-key", PLAIN),)),
    "x-api-key": exchange(request=(("X-API-Key", PLAIN),)),
    "subscription key": exchange(request=(("Ocp-Apim-Subscription-Key", PLAIN),)),
    "cookie": exchange(request=(("Cookie", f"lang=en; session={PLAIN}"),)),
    "set-cookie": exchange(headers=(("Set-Cookie", f"__cf={PLAIN}; Path=/; HttpOnly"),)),
    "organization": exchange(headers=(("openai-organization", "my-company-7713-abc"),)),
    "project": exchange(request=(("OpenAI-Project", "proj_Ab12Cd34Ef56Gh78Ij90"),)),
    "another header": exchange(headers=(("X-Upstream", f"https://x/?k={KEY}"),)),
    "a forwarded key": exchange(headers=(("X-Echo", PLAIN),), request=SENT),
    "URL": exchange(target=f"/v1/models?api-key={PLAIN}&x=1"),
    "URL, percent-encoded": exchange(target="/v1/x?q=" + quote(KEY, safe="").replace("s", "%73", 1)),
    "URL with a password": exchange(f'{{"base":"https://me:{PLAIN}@host/v1"}}'.encode()),
    "request JSON": exchange(asked=json.dumps({"note": KEY}).encode()),
    "request JSON by name": exchange(asked=json.dumps({"api_key": PLAIN}).encode()),
    "request form": exchange(asked=f"client_secret={PLAIN}&a=1".encode()),
    "multipart": exchange(asked=MULTIPART % KEY.encode()),
    "error text": exchange(f'{{"error":{{"message":"Incorrect API key provided: {KEY}."}}}}'.encode()),
    "error text echoes the header": exchange(f"no such key {PLAIN}".encode(), request=SENT),
    "JSON escapes": exchange(b'{"a":"' + escaped(KEY) + b'"}'),
    "JSON escapes, known": exchange(b'{"a":"' + escaped(PLAIN) + b'"}', request=SENT),
    "JSON in JSON": exchange(json.dumps({"a": json.dumps({"password": PLAIN})}).encode()),
    "base64": exchange(b'{"a":"' + base64.b64encode(f"the key is {KEY}, dear".encode()) + b'"}'),
    "base64url": exchange(b'{"a":"' + base64.urlsafe_b64encode(b"\xff\xfe >>>" + KEY.encode()) + b'"}'),
    **{
        f"base64 at {shift}": exchange(base64.b64encode(b"z" * shift + PLAIN.encode() + b"zz"), request=SENT)
        for shift in range(3)
    },
    "hex": exchange(PLAIN.encode().hex().encode(), request=SENT),
    "gzip": exchange(gzip.compress(f'{{"a":"{KEY}"}}'.encode()), headers=GZIP),
    "gzip, known": exchange(gzip.compress(PLAIN.encode()), headers=GZIP, request=SENT),
    "gzip that is none": exchange(f'{{"a":"{KEY}"}}'.encode(), headers=GZIP),
    "deflate": exchange(zlib.compress(KEY.encode() * 9), headers=(("Content-Encoding", "deflate"),)),
    "gzipped request": exchange(asked=gzip.compress(KEY.encode()), request=GZIP),
    "split over writes": exchange(f'{{"a":"{KEY}"}}'.encode(), sizes=(9, 1, 5)),
    "one event": stream(*deltas(f"it is {KEY}"), b"[DONE]"),
    "split over two deltas": stream(*deltas("it is ", KEY[:11], KEY[11:], "."), b"[DONE]"),
    "one character a delta": stream(*deltas(*KEY), b"[DONE]"),
    "one character a delta, known": stream(*deltas(*PLAIN), request=SENT),
    "deltas of two choices": stream(*interleaved()),
    "escaped deltas": stream(
        b'{"choices":[{"delta":{"content":"' + escaped(KEY[:7]) + b'"}}]}',
        b'{"choices":[{"delta":{"content":"\\ud83d\\ude00"}}]}'.replace(b"\\ud83d\\ude00", KEY[7:].encode()),
    ),
    "tool arguments": stream(*(call(part) for part in ('{"k":"', KEY[:20], KEY[20:], '"}'))),
    "text completion": stream({"choices": [{"text": KEY[:5]}]}, {"choices": [{"text": KEY[5:]}]}),
    "comment of a stream": exchange(f": trace {KEY}\n\ndata: {{}}\n\n".encode(), kind="text/event-stream"),
    "problem": exchange(problem=f"the server said {KEY}"),
    "reason phrase": exchange().but(reason=f"No {KEY}"),
    "1xx": exchange(informational=((103, (("X-Key", KEY),)),)),
    "trailer": exchange().but(
        headers=(("Transfer-Encoding", "chunked"),), framing=Framing.CHUNKED, trailers=(("api-key", PLAIN),)
    ),
    "JWT": exchange(b'{"t":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"}'),
    "cloud keys": exchange(b"AKIAIOSFODNN7EXAMPLE AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"),
    "private key": exchange(
        b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAxYz0123456789abcdef\n-----END RSA PRIVATE KEY-----"
    ),
}
PLACES |= {
    "deltas of two output items": stream(
        *(
            {"type": "response.output_text.delta", "item_id": item, "delta": part}
            for item, part in zip("abab", (KEY[:9], "hello ", KEY[9:], " you"), strict=True)
        )
    ),
    "data of several lines": exchange(
        b"".join(b'data: {"text":\ndata: "%s"}\n\n' % part.encode() for part in (KEY[:9], KEY[9:])),
        kind="text/event-stream",
    ),
    "CRLF, no space, a byte order mark": exchange(
        b"\xef\xbb\xbf" + b"".join(b'data:{"text":"%s"}\r\n\r\n' % part.encode() for part in (KEY[:9], KEY[9:])),
        kind="text/event-stream",
    ),
    "a stream cut inside its JSON": exchange(
        b'data: {"text":"%s"}\n\ndata: {"text":"%s' % (KEY[:9].encode(), KEY[9:].encode()),
        kind="text/event-stream",
    ),
    "lines of JSON": exchange(b'{"text":"%s"}\n{"text":"%s"}\n' % (KEY[:9].encode(), KEY[9:].encode())),
    "base64 over two deltas": stream(*deltas(*cut_in_two(base64.b64encode(f"it is {KEY}".encode()).decode()))),
    "base64 in base64": exchange(base64.b64encode(base64.b64encode(f"it is {KEY}, dear".encode()))),
    "base64 in lines": exchange(base64.encodebytes(b"some words before " * 3 + KEY.encode() + b" after" * 9)),
    "base64 in a header": exchange(headers=(("X-State", base64.b64encode(f"key {KEY}".encode()).decode()),)),
    "base64 in the target": exchange(target="/v1/x?q=" + base64.b64encode(f"key={KEY}".encode()).decode()),
    "base64 with escaped slashes": exchange(
        json.dumps({"a": base64.b64encode(b"\xff\xff\xff " + KEY.encode() + b"??>").decode()})
        .replace("/", "\\/")
        .encode()
    ),
    "hex of a key": exchange(KEY.encode().hex().encode()),
    "UTF-16": exchange(f'{{"a":"{KEY}"}}'.encode("utf-16-le")),
    "UTF-16, to the last character": exchange(f"the key is {KEY}".encode("utf-16-le")),
    "percent-encoded twice": exchange(target="/v1/x?q=" + quote("".join(f"%{ord(c):02X}" for c in KEY))),
    "JSON in JSON in JSON": exchange(json.dumps(json.dumps(json.dumps({"password": PLAIN}))).encode()),
    "gzip in base64": exchange(base64.b64encode(gzip.compress(KEY.encode() * 3))),
    "gzip that nobody announced": exchange(gzip.compress(f'{{"a":"{KEY}"}}'.encode())),
    "gzip with a wrong checksum": exchange(wrong_checksum(gzip.compress(KEY.encode() * 9)), headers=GZIP),
    "gzip cut short": exchange(gzip.compress(KEY.encode() + bytes(range(256)) * 9)[:-40], headers=GZIP),
    "multipart by name": exchange(asked=MULTIPART % PLAIN.encode()),
    "a member of a longer name": exchange(asked=json.dumps({"awsSecretAccessKey": PLAIN}).encode()),
    "a list of keys": exchange(json.dumps({"api_keys": [PLAIN]}).encode()),
    "a member split over deltas": stream(*(call(part) for part in ('{"password":"', PLAIN[:8], PLAIN[8:], '"}'))),
    "name and value": exchange(json.dumps([{"name": "x-api-key", "value": PLAIN}]).encode()),
    "a line of a configuration": exchange(f"OPENAI_API_KEY={PLAIN}\nX=1".encode()),
    "a line of YAML": exchange(f"api_key: {PLAIN}\n".encode()),
    "a token in a URL": exchange(f"https://{PLAIN}@host/v1".encode()),
    "a virtual key": exchange(request=(("x-portkey-virtual-key", PLAIN),)),
    "a cookie without a name": exchange(request=(("Cookie", PLAIN),)),
    "two folded cookies": exchange(headers=(("Set-Cookie", f"a=1; Path=/, b={PLAIN}; Path=/"),)),
    "a key without its prefix": exchange(f"the key …{KEY[8:]}".encode(), request=(("Authorization", f"Bearer {KEY}"),)),
    "a parameter that was percent-encoded": exchange(
        b"no such key: Zq81/opaque+Value=77 ok", target="/v1/x?api%5Fkey=Zq81%2Fopaque%2BValue%3D77"
    ),
}
ODD = 'Zq81<opaque>&"Value"77'
KNOWN_ODD = (("X-API-Key", ODD),)
PLACES |= {
    "in small letters": exchange(f"no such key {PLAIN.lower()}".encode(), request=SENT),
    "in capitals, split over deltas": stream(*deltas(*cut_in_two(PLAIN.upper())), request=SENT),
    "in small letters, in base64": exchange(
        base64.b64encode(f"the key is {PLAIN.lower()}, dear".encode()), request=SENT
    ),
    "in small letters in a header": exchange(headers=(("X-Echo", PLAIN.lower()),), request=SENT),
    "HTML": exchange(f"<p>no such key {html.escape(ODD)}</p>".encode(), kind="text/html", request=KNOWN_ODD),
    "HTML in numbers": exchange(f"<p>{''.join(f'&#{ord(char)};' for char in KEY)}</p>".encode()),
    "HTML in JSON in deltas": stream(*deltas("it is ", html.escape(ODD)[:9], html.escape(ODD)[9:]), request=KNOWN_ODD),
    "escapes of a log": exchange(f"b'{''.join(f'{chr(92)}x{ord(char):02x}' for char in KEY)}'".encode()),
    "deflate that nobody announced": exchange(zlib.compress(f'{{"a":"{KEY}"}}'.encode())),
    "deflate in base64": exchange(base64.b64encode(zlib.compress(f'{{"a":"{KEY}"}}'.encode()))),
    "a token by name": exchange(json.dumps({"token": PLAIN}).encode()),
    "headers that are echoed": exchange(json.dumps({"headers": {"X-Groq-Key": PLAIN}}).encode()),
    "keys of other providers": exchange(
        f"co-{KEY[8:22]}{KEY[8:22]}abcdef jina_{'Ab12' * 8} 123456789:AA{'Cd34' * 9}".encode()
    ),
    "a signature alone": exchange(json.dumps({"a": f"sig={'Ef56' * 10}%3D"}).encode()),
    "a key of a gateway": exchange(request=(("x-litellm-key", PLAIN),)),
    "a key of a provider": exchange(f"no such key {PLAIN}".encode(), request=(("X-Groq-Key", PLAIN),)),
    "an assertion": exchange(request=(("Cf-Access-Jwt-Assertion", PLAIN),)),
    "a short key, told again": exchange(b"no such key: sk-7134.", request=(("Authorization", "Bearer sk-7134"),)),
}
SECRETS = (
    KEY,
    PLAIN,
    "my-company-7713-abc",
    "Ab12Cd34Ef56Gh78Ij90",
    "dozjgNryP4J3jVmNHl0w5N",
    "IOSFODNN7EXAMPLE",
    "SyD-9tSrke72PouQMnMX",
    "MIIEowIBAAKCAQEAxYz0123456789abcdef",
    KEY[8:],
    "Zq81/opaque+Value=77",
    PLAIN.lower(),
    PLAIN.upper(),
    ODD,
    "sk-7134",
    "Ab12" * 8,
    "Cd34" * 9,
    "Ef56" * 10,
)
