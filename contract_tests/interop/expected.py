"""What each server is known to break: rule ids with MUST findings that were confirmed on raw bytes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract_tests.interop.judging import Leg, Verdict
from contract_tests.rules.engine import Level

FILE = Path(__file__).with_name("expected.toml")
HEADING = """\
# The rules with MUST findings on each server, confirmed by reading the bytes.
# Rewritten by `python -m contract_tests.interop --write-expected`; read the new ones before keeping them.
"""


class BadExpectations(Exception):
    """The file of expectations cannot be read; the text says where and what to do."""


@dataclass(frozen=True)
class Known:
    """The rules with MUST findings on one version of a server."""

    version: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """How a leg differs from what is known: rule ids found for the first time, and no longer."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def load(path: Path = FILE) -> dict[str, Known]:
    """Server name -> what is known; empty where there is no file. Raises BadExpectations."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Known(entry["version"], tuple(entry["must"])) for name, entry in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadExpectations(
            f"{path.name} cannot be read ({error!r}); write it anew with --write-expected"
        ) from error


def change(leg: Leg, known: Mapping[str, Known]) -> Change:
    """New rules count for every server with a report; gone ones only where it was judged completely."""
    if leg.report is None:
        return Change()
    found = set(leg.rules(Level.MUST))
    before = set(known[leg.server.name].rules) if leg.server.name in known else set()
    gone = before - found if leg.verdict is Verdict.JUDGED else set()
    return Change(tuple(sorted(found - before)), tuple(sorted(gone)))


def written(legs: Iterable[Leg], known: Mapping[str, Known]) -> str:
    """The text of the file: the completely judged legs, and what was known of the other servers."""
    now = dict(known)
    for leg in legs:
        if leg.verdict is Verdict.JUDGED:
            now[leg.server.name] = Known(leg.server.version, tuple(sorted(leg.rules(Level.MUST))))
    parts = [HEADING]
    for name, entry in sorted(now.items()):
        rules = "".join(f'    "{rule}",\n' for rule in entry.rules)
        listed = f"[\n{rules}]" if rules else "[]"
        parts.append(f'\n[{name}]\nversion = "{entry.version}"\nmust = {listed}\n')
    return "".join(parts)
