"""The handshake of a WebSocket (RFC 6455 section 4.2), once the app's chain has let the request pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from websockets.http11 import Request
from websockets.server import ServerProtocol

from fake_server.api import errors
from fake_server.server.deliveries import refuse
from fake_server.server.request_context import UPGRADE, RequestContext
from fake_server.server.web_socket import WebSocket
from fake_server.wire.delivery import Delivery, Upgrade

_OF_HANDSHAKE = ("host", "connection", "sec-websocket-key", "sec-websocket-version")
_LONGEST = 1000


def upgrade(context: RequestContext, serve: Callable[..., Awaitable[None]]) -> Delivery:
    """101, and the connection with it; 426 where no WebSocket is served, 400 or 426 for a bad handshake.

    No extension is agreed on, so no frame is compressed, and no subprotocol.
    """
    if not context.settings.websocket or UPGRADE not in context.scope:
        return refuse(errors.no_web_socket())
    fields = {**context.fields, "upgrade": context.scope[UPGRADE]}
    if "transfer-encoding" in fields or fields.get("content-length", "0") != "0":
        return refuse(errors.bad_handshake(400, "The handshake of a WebSocket has no body."))
    given = {name: fields[name] for name in ("upgrade", *_OF_HANDSHAKE) if name in fields}
    if any(len(value) > _LONGEST for value in given.values()):
        return refuse(errors.bad_handshake(400, "A field of the handshake is too long."))
    rules = ServerProtocol(max_size=context.settings.max_body)
    lines = [f"{name}: {value}\r\n" for name, value in given.items()]
    rules.receive_data("".join(("GET / HTTP/1.1\r\n", *lines, "\r\n")).encode("latin-1"))
    requests = rules.events_received()
    if not requests or not isinstance(requests[0], Request):
        return refuse(errors.bad_handshake(400, "The handshake is malformed."))
    response = rules.accept(requests[0])
    if response.status_code != 101:
        why = (response.body or b"").decode("utf-8", "replace").partition("\n")[0]
        return refuse(errors.bad_handshake(response.status_code, why))
    rules.send_response(response)
    rules.data_to_send()
    headers = tuple((name.lower(), value) for name, value in response.headers.raw_items() if name != "Date")
    socket = WebSocket(rules, context.scope, context.settings)
    return Upgrade(101, headers, (), length=0, talk=partial(socket.run, serve=serve))
