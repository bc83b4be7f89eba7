"""The relay's upstream side: parsing the target URL, rewriting request heads, connecting."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from fake_server.connection import Connection
from fake_server.wire.exchange import Headers
from fake_server.wire.request import RequestCapture

LABEL_HEADER = "x-contract-case"
"""A request header that the relay does not forward: its value becomes the exchange's label."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Unreachable(OSError):
    """No connection to the target could be made; the message says why."""


@dataclass(frozen=True)
class Target:
    """A parsed base URL, with the header fields and query parameters added to every request."""

    encrypted: bool
    host: str
    port: int
    authority: str
    prefix: str
    query: str = ""
    extra: Headers = ()

    def rewrite(self, head: bytes, request: RequestCapture, dropped: Iterable[str]) -> bytes:
        """The request head for the target: its Host and base path, extra fields, none of those in `dropped`.

        Every other header line passes byte for byte.
        """
        dropped = {*dropped, *(name.lower() for name, _ in self.extra)}
        host = f"Host: {self.authority}\r\n".encode()
        lines, dropping, has_host = [], False, "host" in dropped
        for line in head.split(b"\n")[1:]:
            if line[:1] not in (b" ", b"\t"):  # a folded line belongs to the one before it
                name = line.partition(b":")[0].strip().decode("latin-1").lower()
                dropping = name in dropped or name == "host" or not name
                if name == "host" and not has_host:
                    lines.append(host)
                    has_host = True
            if not dropping:
                lines.append(line + b"\n")
        if not has_host:
            lines.insert(0, host)
        lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in self.extra]
        start = f"{request.method} {self.join(request.target)} HTTP/{request.version}\r\n".encode("latin-1")
        return start + b"".join(lines) + b"\r\n"

    def join(self, target: str) -> str:
        """The request target below the base path, with the extra query parameters."""
        if not target.startswith("/"):
            return target  # `*` or an absolute form: not below any path
        path, mark, query = target.partition("?")
        query = "&".join(part for part in (query, self.query) if part)
        return self.prefix + path + ("?" + query if query or mark else "")


def parse_target(
    url: str, extra_headers: Iterable[tuple[str, str]] = (), extra_query: Iterable[tuple[str, str]] = ()
) -> Target:
    """Parse a base URL. Raises ValueError, whose message says what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        near = "" if not url or "://" in url or "@" in url else f"; did you mean http://{url[:80]}?"
        raise ValueError(f"the target must be a URL that starts with http:// or https://{near}")
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise ValueError("the target must be http(s)://HOST[:PORT][/PATH], without a user name or fragment")
    if re.search(r"[\x00-\x20\x7f]", url) or not url.isascii():
        raise ValueError("the target contains a character that must be percent-encoded")
    encrypted = parts.scheme == "https"
    try:
        port = parts.port or (443 if encrypted else 80)
    except ValueError as error:
        raise ValueError("the target's port must be a number below 65536") from error
    extra = tuple(extra_headers)
    for name, value in extra:
        if not _TOKEN.fullmatch(name) or re.search(r"[\r\n\x00]|[^\x00-\xff]", value):
            raise ValueError(f"the extra header {name!r} must be a header name and a value of one line")
    query = "&".join(part for part in (parts.query, urlencode(list(extra_query))) if part)
    return Target(encrypted, parts.hostname, port, parts.netloc, parts.path.rstrip("/"), query, extra)


def tls_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """A verifying context that trusts the system's certificate authorities and those in `ca_file`.

    Raises ValueError if the file holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror if type(error) is FileNotFoundError else "no PEM certificate in it"
            raise ValueError(f"the CA file {str(ca_file)!r} cannot be used: {reason}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


async def connect(target: Target, context: ssl.SSLContext | None, seconds: float) -> Connection:
    """Connect to the target directly, ignoring proxy variables. Raises Unreachable."""
    loop = asyncio.get_running_loop()
    where = f"{target.host} port {target.port}"
    try:
        async with asyncio.timeout(seconds):
            _, connection = await loop.create_connection(
                lambda: Connection(encrypted=target.encrypted),
                target.host,
                target.port,
                ssl=context,
                server_hostname=target.host if context else None,
                happy_eyeballs_delay=0.25,
            )
    except TimeoutError as error:
        raise Unreachable(f"no connection to {where} within {seconds:g} s (bound: connect)") from error
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message or str(error)
        raise Unreachable(f"the certificate of {where} is not trusted: {reason}") from error
    except ssl.SSLError as error:
        raise Unreachable(f"TLS with {where} failed: {error.reason or error}") from error
    except socket.gaierror as error:
        raise Unreachable(f"the name {target.host} cannot be resolved: {error.strerror}") from error
    except OSError as error:
        # With several addresses asyncio raises a plain OSError whose text holds the errors of all of them.
        refused = isinstance(error, ConnectionRefusedError) or "[Errno 111]" in str(error)
        reason = "refused the connection" if refused else f"cannot be reached: {error.strerror or error}"
        raise Unreachable(f"{where} {reason}") from error
    return connection
