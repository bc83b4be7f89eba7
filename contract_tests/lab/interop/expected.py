"""The rules that each server is known to break: those with MUST findings confirmed on raw bytes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract_tests.lab.interop.judging import Leg, Verdict
from contract_tests.rules.engine.judge import Level

FILE = Path(__file__).with_name("expected.toml")
HEADING = """\
# The rules with MUST findings on each server, confirmed by reading the bytes.
# `python -m contract_tests.lab.interop --write-expected` rewrites `must`: read the bytes (--keep) first.
# `sometimes`, written by hand, lists what is found in some runs only.
"""


class BadExpectations(Exception):
    """The file of expectations cannot be read; the message says where and what to do."""


@dataclass(frozen=True)
class Known:
    """The rules with MUST findings on one version of a server: in every run, and in some."""

    version: str
    must: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """How a leg differs from what is known: ids of rules newly broken, and of rules no longer broken."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def load(path: Path | None = None) -> dict[str, Known]:
    """Server name -> what is known (from FILE by default); empty where there is no file.

    Raises BadExpectations.
    """
    path = path or FILE
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: Known(table["version"], tuple(table["must"]), tuple(table.get("sometimes", ())))
            for name, table in tables.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadExpectations(
            f"{path.name} cannot be read ({error!r}); fix it, or delete it and use --write-expected"
        ) from error


def find_change(leg: Leg, known: Mapping[str, Known]) -> Change:
    """Compare a leg with what is known.

    Rules are new wherever there is a report, and gone only where the server was judged completely.
    """
    if leg.report is None:
        return Change()
    now = set(leg.count_rules(Level.MUST))
    before = known.get(leg.server.name, Known(leg.server.version))
    gone = set(before.must) - now if leg.verdict is Verdict.JUDGED else set()
    return Change(tuple(sorted(now - {*before.must, *before.sometimes})), tuple(sorted(gone)))


def serialize(legs: Iterable[Leg], known: Mapping[str, Known]) -> str:
    """The text of the file: what the completely judged legs found, and what is known of other servers."""
    now = dict(known)
    for leg in legs:
        if leg.verdict is Verdict.JUDGED:
            name = leg.server.name
            sometimes = known[name].sometimes if name in known else ()
            must = sorted(set(leg.count_rules(Level.MUST)) - set(sometimes))
            now[name] = Known(leg.server.version, tuple(must), sometimes)
    tables = [HEADING]
    for name, entry in sorted(now.items()):
        tables.append(f'\n[{name}]\nversion = "{entry.version}"\nmust = {_toml_list(entry.must)}\n')
        if entry.sometimes:
            tables.append(f"sometimes = {_toml_list(entry.sometimes)}\n")
    return "".join(tables)


def _toml_list(rules: Iterable[str]) -> str:
    lines = "".join(f'    "{rule}",\n' for rule in rules)
    return f"[\n{lines}]" if lines else "[]"
