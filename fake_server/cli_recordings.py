"""What `fake-server` says on stderr, and its serving of recordings."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click

from fake_server import ending
from fake_server.command_line import echo, not_listening
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import format_count


def fail(message: str) -> NoReturn:
    """Print one line on stderr and exit with code 2."""
    say(message)
    sys.exit(2)


def say(text: str) -> None:
    """Print lines on stderr without keys: what looks like one, and those of this process."""
    given = click.get_current_context(silent=True)
    keys = (os.environ.get("OPENAI_API_KEY", ""), (given and given.params.get("api_key")) or "")
    text = mask_excerpt(text, keys)
    for line in text.split("\n"):
        echo(f"fake-server: {line}", err=True)


def serve_recordings(paths: tuple[Path, ...], port: int, **options: Any) -> None:
    from fake_server.replay.playback import Playback, serve

    def ready(server: Playback) -> None:
        click.echo(f"fake-server: {server.base_url}  {format_count(len(server.unplayed), 'recording')}")

    _play(serve(paths, port=port, ready=ready, **options), port)


def record_and_serve(folder: Path, target: str, port: int, **options: Any) -> None:
    from fake_server.replay.recording import serve_and_record

    def ready(base_url: str, count: int) -> None:
        click.echo(
            f"fake-server: {base_url}  {format_count(count, 'recording')}, the rest from {target.partition('?')[0]}"
        )

    key = os.environ.get("OPENAI_API_KEY", "")
    secrets = (key,) if key else ()
    _play(serve_and_record(folder, target, port=port, ready=ready, say=say, secrets=secrets, **options), port)


def _play(serving: Coroutine[Any, Any, None], port: int) -> None:
    """Serve recordings until Ctrl-C; what cannot be served is one line."""
    if click.get_current_context().params["host"] not in ("127.0.0.1", "localhost"):
        serving.close()
        fail("--replay listens on 127.0.0.1 only: leave out --host")
    try:
        ending.run_loop(serving)
    except KeyboardInterrupt:
        return
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(not_listening("127.0.0.1", port, error))
