"""`fake-server --replay`: serves recordings on a port until the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fake_server.replay.playback import Playback, serve
from fake_server.replay.sources import load_exchanges


def serve_recordings(paths: Sequence[Path], port: int, **options: Any) -> None:
    """Serve until Ctrl-C, with the options of Playback. Raises FixtureError, OSError (port in use)."""
    recordings = load_exchanges(paths)

    def ready(server: Playback) -> None:
        count = len(recordings)
        click.echo(f"fake-server: {server.base_url}  {count} recording{'' if count == 1 else 's'}")

    try:
        asyncio.run(serve(recordings, port=port, ready=ready, **options))
    except KeyboardInterrupt:
        return
