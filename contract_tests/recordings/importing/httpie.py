"""What a command of HTTPie (`http`, `https`, `xh`) asks, as its items say it: https://httpie.io/docs/cli/request-items."""

from __future__ import annotations

import json
import re
from typing import Any

from contract_tests.recordings.importing.bodies import CurlRequest
from contract_tests.recordings.importing.entry import fields, with_host

_ITEM = re.compile(r"(?P<name>(?:[^:=@\\]|\\.)+)(?P<sign>:=@|=@|:=|==|=|@|:)(?P<value>.*)", re.DOTALL)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_WITH_VALUE = (
    *("-a", "--auth", "-A", "--auth-type", "-p", "--print", "-s", "--style", "-o", "--output", "--timeout"),
    *("--pretty", "--session", "--proxy", "--verify", "--cert", "--cert-key", "--max-redirects", "--format-options"),
)


def request_of(words: list[str], piped: bool) -> CurlRequest:
    """What the words behind the program's name ask; `piped`: a program before it gives the body. Raises ValueError."""
    items, raw = _items(words)
    method = items.pop(0).upper() if items and items[0].upper() in _METHODS else ""
    if not items:
        raise ValueError("the command names no URL")
    url, query, pairs = items.pop(0), list[str](), list[tuple[str, str]]()
    members: dict[str, Any] = {}
    known = not piped
    for item in items:
        part = _ITEM.fullmatch(item)
        if part is None:
            continue
        name, sign, value = part["name"], part["sign"], part["value"]
        if sign == ":":
            pairs.append((name, value.strip()))
        elif sign == "==":
            query.append(f"{name}={value}")
        elif sign in ("=", ":=") and "[" not in name:
            members[name] = value if sign == "=" else json.loads(value)
        else:  # a file, or a member of a member
            known = False
    data = raw if raw is not None else json.dumps(members).encode() if members else b""
    method = method or ("POST" if data or piped or not known else "GET")
    url = re.sub(r"^:(?=\d|/|$)", "localhost:", url).replace("localhost:/", "localhost/")
    target = f"{with_host(url)}{'?' if query else ''}{'&'.join(query)}"
    return CurlRequest(target, data if known else None, method, fields(pairs))


def _items(words: list[str]) -> tuple[list[str], bytes | None]:
    """The words that are no options, and a body that is given whole."""
    items, raw, place = list[str](), None, 0
    while place < len(words) and words[place] not in ("|", ">", ";", "&&", "2>&1"):
        word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
        place += 2 if word in (*_WITH_VALUE, "--raw", "<<<", "<") else 1
        if word == "--raw" or word == "<<<":
            raw = following.encode("utf-8", "surrogateescape")
        elif word.startswith("--raw="):
            raw = word[6:].encode("utf-8", "surrogateescape")
        elif word.startswith("<<<") and len(word) > 3:
            raw = word[3:].encode("utf-8", "surrogateescape")
        elif word == "<":
            items.append("file@file")
        elif not word.startswith("-"):
            items.append(word)
    return items, raw
