"""The middleware around the app, outermost first."""

from __future__ import annotations

from starlette.types import ASGIApp

from fake_server.api.reply import ErrorReply
from fake_server.server.cors import CrossOrigin
from fake_server.server.handling import operation, refusing
from fake_server.server.middleware import Endpoint, Middleware
from fake_server.server.routes.table import DIRECT, EXPOSED
from fake_server.server.settings import Settings


def edge(app: ASGIApp, settings: Settings) -> ASGIApp:
    """What stands between a server and the app: OpenAI's headers and errors, the journal, the direct ways."""
    return CrossOrigin(Middleware(app, settings, DIRECT, _refusing), settings, EXPOSED)


def _refusing(error: ErrorReply) -> Endpoint:
    return operation(refusing(error), reads=False)
