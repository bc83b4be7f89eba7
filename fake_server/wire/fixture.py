"""Fixture files: an Exchange as a readable YAML head and raw body files beside it.

The head holds the request, the status, the headers, how the body was written and how the reply ended:

    openai-contract-fixture: 1
    title: the stream ends without [DONE]
    breaks: [chat.stream.done-last]
    source: https://…            # where it was seen; optional
    recorded: 2026-11-29T21:38:14.123456Z
    request: {method: POST, target: /v1/chat/completions, headers: [[Content-Type, application/json]],
              body: {json: {model: gpt-4o-mini, stream: true}}}
    response: {status: 200, reason: OK, headers: [[Content-Type, text/event-stream]],
               framing: chunked, body: {file: no-done-3f2a91c0.body}, writes: [[120, 0.5], [40]]}
    ending: clean
    unknown: [timing]

A body is one of `{file: NAME}` (raw bytes beside the head), `{text: "…"}` (UTF-8), or, for a request,
`{json: …}`. `writes` is a list of [size in bytes, pause in seconds]; without it the body is one write.
`raw` and `reads`, in the same form, hold the whole reply as received if the other values would not
reproduce it. `recorded` is when the request was made, or its number (1, 2, …) where a file of another
tool keeps no times; repeated requests are answered in this order. Fixtures without it come first, in
the natural order of their names: `x`, `x-2`, `x-10`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from fake_server.wire import files
from fake_server.wire.bounded_yaml import TooMuch, better
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture_reading import MAX_HEAD, HeadError, Loader, abbreviate, line_of, read_exchange, read_list
from fake_server.wire.fixture_writing import ANY, Bodies, Replaceable, describe_exchange, dump_head, write_fixture

VERSION = 1
MARK = "openai-contract-fixture"
SHIPPED = Path(__file__).resolve().parents[2] / "fixtures"
"""The kit's own fixtures and scripts."""


class FixtureError(ValueError):
    """A fixture cannot be read; the message says which file, where in it, and what to do."""


@dataclass(frozen=True)
class Fixture:
    """An exchange with a title, the ids of the rules it breaks, where it was seen, and notes."""

    exchange: Exchange
    title: str = ""
    breaks: tuple[str, ...] = ()
    source: str = ""
    notes: str = ""


def load(path: Path, *, follow: bool = True) -> Fixture:
    """Read one fixture head and its bodies; the head may be a symbolic link if `follow`. Raises FixtureError."""
    try:
        text = files.read_bytes(path, MAX_HEAD, follow=follow).decode()
        head = yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise FixtureError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FixtureError(f"{path}: not a fixture head: byte {error.start} is not UTF-8") from error
    except TooMuch as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FixtureError(f"{path}:{line}: {error.problem}") from error
    except yaml.MarkedYAMLError as error:
        problem = better(error, text)
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise FixtureError(f"{path}:{line}: not YAML: {problem.problem}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a timestamp that is no date
        raise FixtureError(f"{path}: not YAML: {error}") from error
    except RecursionError as error:
        raise FixtureError(f"{path}: nested too deeply") from error
    if not isinstance(head, dict) or MARK not in head:
        raise FixtureError(f"{path}:1: not a fixture: the first key must be '{MARK}: {VERSION}'")
    if head[MARK] != VERSION:
        raise FixtureError(f"{path}:1: fixture version {abbreviate(head[MARK])}; this kit reads version {VERSION}")
    try:
        return Fixture(
            read_exchange(head, path),
            title=str(head.get("title", "")),
            breaks=tuple(read_list(head, "breaks")),
            source=str(head.get("source", "")),
            notes=str(head.get("notes", "")),
        )
    except HeadError as error:
        raise FixtureError(f"{path}:{line_of(text, error.path)}: {error}") from error


def is_fixture(path: Path) -> bool:
    """Whether the file begins like a fixture."""
    try:
        with files.open_regular(path) as file:
            return file.readline(200).startswith(MARK.encode())
    except OSError:
        return False


def find(root: Path) -> list[Path]:
    """Every fixture head at or below `root`, in the natural order of names: `x`, `x-2`, `x-10`.

    Raises FixtureError for a folder that cannot be read, and for a symbolic link in it to a file.
    """
    if not root.is_dir():
        return [root] if root.is_file() else []
    try:
        return sorted((path for path in files.find_files(root, (".yaml",)) if is_fixture(path)), key=natural_order)
    except OSError as error:
        raise FixtureError(f"{error.filename}: cannot be read: {error.strerror}") from error


def natural_order(path: Path) -> list[list[str | int]]:
    """A key that sorts paths by name, numbers in them by value."""
    pieces = (re.split("([0-9]+)", part) for part in path.with_suffix("").parts)
    return [[int(piece) if odd else piece for piece, odd in zip(part, cycle((0, 1)))] for part in pieces]


def save(fixture: Fixture, path: Path, inline: int = 0, over: Replaceable = ANY) -> None:
    """Write the body files (named by their hash), then the head, which atomically replaces an older one.

    A reply's body of up to `inline` bytes stands in the head if it is text. Raises OSError; the previous fixture
    is then intact. Raises files.Taken if another version of the head stands there than `over`.
    """
    head, bodies = _describe(fixture, path.stem.encode("utf-8", "ignore").decode() or "body", inline)
    write_fixture(path, head, bodies, over)


def as_text(fixture: Fixture, inline: int) -> str:
    """The head as text, which is the whole fixture; '' where it needs a body file: see `save`."""
    head, bodies = _describe(fixture, "body", inline)
    return "" if bodies else dump_head(head).decode()


def _describe(fixture: Fixture, stem: str, inline: int) -> tuple[dict[str, Any], Bodies]:
    head: dict[str, Any] = {MARK: VERSION, "title": _spell(fixture.title)}
    if fixture.breaks:
        head["breaks"] = list(fixture.breaks)
    head |= {name: _spell(value) for name in ("source", "notes") if (value := getattr(fixture, name))}
    described, bodies = describe_exchange(fixture.exchange, stem, inline)
    return head | described, bodies


def _spell(text: str) -> str:
    """A text as YAML can hold it: bytes of a file's name that are not UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
