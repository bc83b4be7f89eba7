"""What a protocol needs where httptools would go over to another one: a parser anew, and the head once more."""

from __future__ import annotations

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def make_parser(protocol: HttpToolsProtocol) -> HttpRequestParser:
    """Make a parser as uvicorn does: what follows a request that closes is left to the protocol."""
    parser = HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def head_without_upgrade(protocol: HttpToolsProtocol) -> bytes:
    """The head that was just parsed, without its Upgrade field, which a server may ignore (RFC 9110 section 7.8)."""
    parser = protocol.parser
    line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), protocol.url, parser.get_http_version().encode())
    fields = (b"%b: %b\r\n" % field for field in protocol.headers if field[0] != b"upgrade")
    return b"".join((line, *fields, b"\r\n"))
