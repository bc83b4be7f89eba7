"""What each server is known to break: rule ids with MUST findings that were confirmed on raw bytes."""

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
    """The file of expectations cannot be read; the text says where and what to do."""


@dataclass(frozen=True)
class Known:
    """The rules with MUST findings on one version of a server: in every run, and in some."""

    version: str
    must: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """How a leg differs from what is known: rule ids found for the first time, and no longer."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def load(path: Path | None = None) -> dict[str, Known]:
    """Server name -> what is known (by FILE); empty where there is no file. Raises BadExpectations."""
    path = path or FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: Known(one["version"], tuple(one["must"]), tuple(one.get("sometimes", ())))
            for name, one in found.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadExpectations(
            f"{path.name} cannot be read ({error!r}); mend it, or delete it and use --write-expected"
        ) from error


def change(leg: Leg, known: Mapping[str, Known]) -> Change:
    """New rules count wherever there is a report, gone ones only where the server was judged completely."""
    if leg.report is None:
        return Change()
    found, before = set(leg.rules(Level.MUST)), known.get(leg.server.name, Known(leg.server.version))
    gone = set(before.must) - found if leg.verdict is Verdict.JUDGED else set()
    return Change(tuple(sorted(found - {*before.must, *before.sometimes})), tuple(sorted(gone)))


def written(legs: Iterable[Leg], known: Mapping[str, Known]) -> str:
    """The text of the file: what the completely judged legs found, and what was known of other servers."""
    now = dict(known)
    for leg in legs:
        if leg.verdict is Verdict.JUDGED:
            name = leg.server.name
            sometimes = known[name].sometimes if name in known else ()
            must = sorted(set(leg.rules(Level.MUST)) - set(sometimes))
            now[name] = Known(leg.server.version, tuple(must), sometimes)
    parts = [HEADING]
    for name, one in sorted(now.items()):
        parts.append(f'\n[{name}]\nversion = "{one.version}"\nmust = {_listed(one.must)}\n')
        if one.sometimes:
            parts.append(f"sometimes = {_listed(one.sometimes)}\n")
    return "".join(parts)


def _listed(rules: Iterable[str]) -> str:
    lines = "".join(f'    "{rule}",\n' for rule in rules)
    return f"[\n{lines}]" if lines else "[]"
