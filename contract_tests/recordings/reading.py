"""Recordings from files: our own fixtures, shared recordings, and what can be imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from contract_tests.recordings.jsonl import read_lines
from contract_tests.recordings.recording import InputError, Recording
from fake_server.wire import files, fixture
from fake_server.wire.exchange import Exchange


def read(path: Path) -> Iterator[Recording]:
    """Every recording of a file (JSON Lines, a fixture head) or of a folder of them. Raises InputError.

    A file of another tool (see `importing`) is read too if it is named itself or is one of JSON Lines.
    """
    if path.is_dir():
        try:
            paths = sorted({*fixture.find(path), *files.find_files(path, (".jsonl",))})
        except fixture.FixtureError as error:
            raise InputError(str(error)) from error
        except OSError as error:
            raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
        if not paths:
            raise InputError(f"{path}: no fixture and no .jsonl file in this folder")
        for file in paths:
            yield from read(file)
    elif fixture.is_fixture(path):
        yield _fixture(path)
    else:
        yield from _foreign(path)


def _fixture(path: Path) -> Recording:
    try:
        loaded = fixture.load(path)
    except fixture.FixtureError as error:
        raise InputError(str(error)) from error
    return Recording(loaded.exchange, endpoint=_endpoint(loaded.exchange), breaks=loaded.breaks, file=str(path))


def _foreign(path: Path) -> Iterator[Recording]:
    """The recordings of a file of another tool. Raises InputError for what is wrong with it as a fixture."""
    from contract_tests.recordings import importing
    from contract_tests.recordings.importing.recognising import recognise

    kind = None if path.suffix == ".body" else recognise(path)
    if kind == "jsonl":
        yield from read_lines(path)
        return
    if kind is None:
        yield _fixture(path)
        return
    for imported in importing.read(path):
        if imported.format == "aimock":
            raise InputError(
                f"{path}: an aimock fixture holds a scripted answer, not a server's reply: there is "
                "nothing to judge; `contract import` makes an exchange of it that can be replayed"
            )
        exchange = imported.fixture.exchange
        yield Recording(exchange, endpoint=_endpoint(exchange), source=imported.fixture.source, file=str(path))


_IDS = re.compile(r"(?<=\bresponses/)(?!(?:input_tokens|compact)\b)[^/]+|(?<=\bconversations/)[^/]+|(?<=/items/)[^/]+")
"""What stands for one thing of many in a path."""


def _endpoint(exchange: Exchange) -> str:
    return _IDS.sub("{id}", exchange.request.path.strip("/").removeprefix("v1/")) or "/"
