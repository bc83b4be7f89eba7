"""All that files can be made to say: decoded, unpacked, unescaped, streams put together."""

from __future__ import annotations

import base64
import html
import json
import re
import string
import zlib
from pathlib import Path
from urllib.parse import unquote

from fake_server.tests.planted_secrets import GZIP
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.sse import Decoder

_LETTERS = frozenset(string.ascii_letters + string.digits + "+/-_")


def texts_in(folder: Path) -> list[str]:
    """All that the files hold, in every way it can be read."""
    found = []
    for path in folder.rglob("*"):
        data = path.read_bytes()
        for form in (data, _unzipped(data)):
            text = form.decode("utf-8", "replace")
            ways = (text, unquote(unquote(text)), html.unescape(text), _unescaped(text))
            for way in (*ways, _unescaped(ways[-1])):
                found += [way, way.replace("\0", ""), *_coded("".join(way.split())), *_coded(way)]
            loose = "".join(strings_in(form))
            found += [loose, html.unescape(loose), *_coded(loose), path.name]
    return found


def _coded(text: str) -> list[str]:
    """What the text's base64, twice as well, and its hex say."""
    once = [base64.b64decode(run, "-_") for run in _runs(text)]
    twice = [base64.b64decode(run, "-_") for one in once for run in _runs(one.decode("latin-1"))]
    unzipped = [_unzipped(one) for one in once if one.startswith(b"\x1f\x8b")]
    unzipped += [zlib.decompressobj().decompress(one) for one in once if one.startswith(b"x\x9c")]
    hexed = [_from_hex(run) for run in _runs(text)]
    return [one.decode("latin-1") for one in (*once, *twice, *unzipped)] + hexed


def _runs(text: str) -> list[str]:
    words = "".join(char if char in _LETTERS else " " for char in text)
    runs = [word for word in words.replace("+", "-").replace("/", "_").split() if len(word) > 15]
    return [run[shift:][: (len(run) - shift) // 4 * 4] for run in runs for shift in range(4)]


def _from_hex(run: str) -> str:
    try:
        return bytes.fromhex(run[: len(run) // 2 * 2]).decode("latin-1")
    except ValueError:
        return ""


def _unzipped(data: bytes) -> bytes:
    return decode_content(Exchange(Request("GET", "/"), 200, GZIP, (Write(data),)))[0]


def _unescaped(text: str) -> str:
    text = re.sub(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))", lambda found: chr(int(found[1] or found[2], 16)), text)
    return re.sub(r"\\([\"/\\])", r"\1", text)


def strings_in(data: bytes) -> list[str]:
    """The contents of all deltas, choice after choice."""
    parts: dict[str, list[str]] = {}

    def walk(value: object, key: str) -> None:
        if isinstance(value, str):
            parts.setdefault(key, []).append(value)
        elif isinstance(value, dict):
            for name, member in value.items():
                walk(member, f"{key}.{name}")
        elif isinstance(value, list):
            for number, item in enumerate(value):
                walk(item, f"{key}.{item.get('index', number) if isinstance(item, dict) else number}")

    for event in Decoder().feed(data):
        try:
            walk(json.loads(event.data or ""), "")
        except ValueError:
            continue
    return ["".join(texts) for texts in parts.values()]
