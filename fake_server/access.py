"""Who may reach what listens: the names that a server answers to, and what pages of other origins may do.

A page in a browser reaches every port of its machine, and may send simple requests to any of them unasked (Fetch,
CORS protocol). Where it lets a name of its own point to 127.0.0.1 (DNS rebinding) it is even of the server's own
origin, and reads every reply: only Host still tells it apart. Hence a server answers to names that it knows.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
_HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._~%-]+)?\]|{_NAME.pattern})(:[0-9]{{0,5}})?")
"""A host and its port as they stand in a URL and in Host; names of other scripts stand there in ASCII (xn--…)."""
_ORIGIN = re.compile(r"(https?)://([^/?#]*)(?=[/?#]|\Z)", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_PORTS = {"http": ":80", "https": ":443"}
_LONGEST, _REMEMBERED = 300, 64
_OWN_SITES = ("same-origin", "none")


@dataclass(frozen=True)
class Refusal:
    """Why a request gets no answer, as status, message and code of OpenAI's error object."""

    status: int
    message: str
    code: str


class AllowedHosts:
    """The names in Host that a server answers to.

    Always names of this machine alone (localhost, names below it) and every address: who has to write an address
    cannot have made a name point to it. Further `names`, of which `*.NAME` means all below NAME and `*` any.
    `beyond_loopback` says that other machines reach the server; then also names without a dot, as containers have
    them, and names below `.internal`: no page of the Internet comes from such a name. `seen` are some that were
    let pass, of which nobody need ask again. Raises ValueError for what is no name.
    """

    def __init__(self, names: Iterable[str] = (), *, beyond_loopback: bool = False) -> None:
        self._names: set[str] = set()
        self._above = [".localhost"]
        for name in map(_in_ascii, names):
            bare = name.removeprefix("*.")
            if name == "*":
                self._above.append("")
            elif not (_NAME.fullmatch(bare) or (bare == name and _address(name))):
                raise ValueError(f"{name[:80]!r} is no name of a host: write it alone, as in fake or *.example.org")
            elif bare == name:
                self._names.add(_plain(name))
            else:
                self._above.append(f".{_plain(bare)}")
        self._beyond = beyond_loopback
        self.seen: set[str] = set()

    def refuse(self, host: str | None, target: bytes = b"") -> Refusal | None:
        """Why a request with this Host, None where it has none, is refused; None where it may pass.

        A target in absolute form has a host of its own, which is the one that counts (RFC 9112 section 3.2.2); for
        both to be the same is not asked, to be known is.
        """
        named = [] if host is None else [host]  # only HTTP/1.0 has none, which no browser speaks
        if absolute := _ABSOLUTE.match(target):
            named.append(absolute[1].decode("latin-1"))
        for text in named:
            if (refusal := self._refuse(text)) is not None:
                return refusal
        if host is not None and len(self.seen) < _REMEMBERED:
            self.seen.add(host)
        return None

    def _refuse(self, text: str) -> Refusal | None:
        match = _HOST.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None or (text[:1] == "[" and not _address(match[1])):
            return Refusal(400, f"Host is {text[:80]!r}, which is no host of a URL.", "invalid_host")
        name = _plain(match[1])
        if self._knows(name):
            return None
        message = (
            f"This server does not answer to the name {name[:100]!r}: a web page may have made it point here. If it is "
            f"yours, start the server with --allow-host {name[:100]} (in Python: allow_hosts=[{name[:100]!r}])."
        )
        return Refusal(421, message, "host_not_allowed")

    def _knows(self, name: str) -> bool:
        if name == "localhost" or name in self._names or any(name.endswith(above) for above in self._above):
            return True
        return _address(name) or (self._beyond and ("." not in name or name.endswith(".internal")))


class Gate:
    """Who gets through a relay or recorder. Raises ValueError for names and origins that are none.

    With `with_token` who asks must know a token, which stands before the path: `path` is it with its slash, '' where
    there is none. The token tells whom its user trusts, also pages; without one only pages of `origins` get through
    (`*`: of any). `names` are those of AllowedHosts.
    """

    def __init__(self, *, with_token: bool = False, names: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        self.path = f"/{secrets.token_urlsafe(24)}" if with_token else ""
        self._hosts = AllowedHosts(names)
        self._origins = tuple(origin.lower() for origin in origins)
        for origin in self._origins:
            if origin not in ("*", "null") and not _WHOLE_ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin[:80]!r} is no origin: write it as in http://localhost:3000")

    def refuse(self, method: str, target: str, headers: Iterable[tuple[str, str]]) -> Refusal | None:
        """Why a request does not get through, None if it does."""
        fields: dict[str, str] = {}
        for name, value in headers:
            name = name.lower()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        refusal = self._hosts.refuse(fields.get("host"), target.encode("latin-1"))
        if refusal is not None:
            return refusal
        if self.path:
            given = re.split("[/?]", target[1:], maxsplit=1)[0].encode("latin-1")
            return None if hmac.compare_digest(given, self.path[1:].encode()) else _NO_TOKEN
        if "*" in self._origins or fields.get("origin", "").lower() in self._origins:
            return None
        return _foreign(fields) if is_from_foreign_page(method, fields) else None

    def strip(self, target: str) -> str:
        """The target without the token, for a request that got through."""
        rest = target[len(self.path) :]
        return rest if not self.path or rest[:1] == "/" else f"/{rest}"


_WHOLE_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s,]+")
_NO_TOKEN = Refusal(
    404,
    "What listens here adds credentials to what it forwards, so its base URL holds a token, which this request lacks. "
    "Use the base URL that was printed, http://127.0.0.1:PORT/TOKEN/…",
    "no_token",
)


def _foreign(fields: Mapping[str, str]) -> Refusal:
    origin = fields.get("origin", "")
    option = f"--allow-origin {origin[:100]}" if _WHOLE_ORIGIN.fullmatch(origin.lower()) else "--allow-origin"
    return Refusal(
        403, f"A web page of another origin asks. If its requests are what you record, add {option}.", "foreign_origin"
    )


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a server that listens on this address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def is_from_foreign_page(method: str, fields: Mapping[str, str]) -> bool:
    """Whether a page of another origin asks, by what browsers say of it; not where its user follows a link.

    Browsers send Origin with all but simple GETs, Sec-Fetch-Site to what is local or encrypted, and Referer.
    `fields` are the request's, names in lower case. The server's own origin is the one that Host names.
    """
    host = fields.get("host", "").strip(" \t")
    if "origin" in fields and not _is_at(fields["origin"].strip(" \t"), host, whole=True):
        return True
    if method in ("GET", "HEAD") and fields.get("sec-fetch-mode") == "navigate":
        return fields.get("sec-fetch-dest") != "document" and fields.get("sec-fetch-site") not in _OWN_SITES
    if "sec-fetch-site" in fields:
        return fields["sec-fetch-site"] not in _OWN_SITES
    return "origin" not in fields and "referer" in fields and not _is_at(fields["referer"], host)


def _is_at(url: str, host: str, *, whole: bool = False) -> bool:
    """Whether a URL is at this host and port; with `whole` it must be an origin, which has no path."""
    match = _ORIGIN.match(url)
    if match is None or (whole and match.end() != len(url)):
        return False
    port = _PORTS[match[1].lower()]
    return match[2].lower().removesuffix(port) == host.lower().removesuffix(port) != ""


def _in_ascii(name: str) -> str:
    """The name as browsers send it (xn--…). Raises ValueError."""
    return name if name.isascii() else name.encode("idna").decode()


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _address(name: str) -> bool:
    """Whether this is an address, also in a form that only browsers and old programs read (127.1, 0x7f000001)."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        try:
            socket.inet_aton(name)
        except OSError:
            return False
    return True
