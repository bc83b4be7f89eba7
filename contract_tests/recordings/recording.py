"""An exchange with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from fake_server.wire.exchange import Exchange


class InputError(ValueError):
    """A file that cannot be judged; the message says which, where and why."""


@dataclass(frozen=True)
class Recording:
    """An exchange and its origin. `breaks`: the rules it declares to break, None if it declares nothing.

    `file` is what was read, `line` where it stands there, 0 where the file is read whole.
    """

    exchange: Exchange
    provider: str = ""
    endpoint: str = ""
    breaks: tuple[str, ...] | None = None
    source: str = ""
    file: str = ""
    line: int = 0
