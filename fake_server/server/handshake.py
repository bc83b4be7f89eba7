"""A request for a WebSocket, once the app's chain has let it pass: 101 and the connection, or why not."""

from __future__ import annotations

from fake_server.api import errors
from fake_server.server.asgi_socket import AsgiSocket
from fake_server.server.deliveries import refuse
from fake_server.server.request_context import UPGRADE, RequestContext
from fake_server.server.turns import Serve
from fake_server.wire.delivery import Delivery, Upgrade

_OF_HANDSHAKE = ("host", "connection", "sec-websocket-key", "sec-websocket-version")
_LONGEST = 1000
_NO_OFFER = "no upgrade was asked for, or the server that runs this app does not offer WebSockets to it"
_NEEDS = "it needs the package websockets: pip install 'openai-contract-kit[websocket]'"


def upgrade(context: RequestContext, serve: Serve) -> Delivery:
    """101, and the connection with it; 426 where no WebSocket is served, 400 or 426 for a bad handshake (RFC 6455)."""
    scope, settings = context.scope, context.settings
    if not settings.websocket:
        return refuse(errors.no_web_socket("it is switched off"))
    if scope["type"] == "websocket":  # whose handshake the ASGI server has looked at
        return Upgrade(101, (), (), length=0, talk=AsgiSocket(scope, settings, serve).run)
    if UPGRADE not in scope:
        return refuse(
            errors.no_web_socket(
                "no upgrade was asked for, or the server that runs this app does not offer WebSockets to it"
            )
        )
    try:
        from fake_server.server.web_socket import BadHandshake, WebSocket, shake_hands
    except ModuleNotFoundError:
        return refuse(errors.no_web_socket(_NEEDS))
    fields = {**context.fields, "upgrade": scope[UPGRADE]}
    if "transfer-encoding" in fields or fields.get("content-length", "0") != "0":
        return refuse(errors.bad_handshake(400, "The handshake of a WebSocket has no body."))
    given = {name: fields[name] for name in ("upgrade", *_OF_HANDSHAKE) if name in fields}
    if any(len(value) > _LONGEST for value in given.values()):
        return refuse(errors.bad_handshake(400, "A field of the handshake is too long."))
    try:
        rules, headers = shake_hands(given, settings.max_body)
    except BadHandshake as error:
        return refuse(errors.bad_handshake(error.status, str(error)))
    return Upgrade(101, headers, (), length=0, talk=WebSocket(rules, scope, settings, serve).run)
