"""The table of which client breaks on which fixture, read from measured.json, and its rows in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "measured.json"
FINE, ANSWERS, NOT_ASKED = "fine", "answers", "–"
NO_ERROR = "wrong: no error"
_WORDS = {"empty": "silently empty", "short": "silently short"}
_NOT_LISTED = (FINE, ANSWERS)


@dataclass(frozen=True)
class BreakageTable:
    """Verdicts by fixture (`broken/ID`, `bugs/ID`) and client, the date, and the clients' versions."""

    measured: str
    clients: Mapping[str, str]
    verdicts: Mapping[str, Mapping[str, str]]

    @property
    def versions(self) -> str:
        """The measured clients: `openai-python 0.28.1, …`."""
        return ", ".join(f"{name.split(' ')[0]} {version}" for name, version in self.clients.items())

    def of_rule(self, rule_id: str) -> Mapping[str, str]:
        """Each client's verdict on the fixture that breaks only this rule; empty if not measured."""
        return self.verdicts.get(f"broken/{rule_id}", {})

    def of_bug(self, bug_id: str) -> Mapping[str, str]:
        """Each client's verdict on this bug; empty if not measured."""
        return self.verdicts.get(f"bugs/{bug_id}", {})

    def text(self) -> str:
        """The content of the file: a line for each fixture, with the numbers of the clients that are not fine."""
        rows = ",\n".join(
            f"    {json.dumps(name)}: {json.dumps(self._number(row), ensure_ascii=False)}"
            for name, row in sorted(self.verdicts.items())
        )
        head = {"measured": self.measured, "clients": dict(self.clients)}
        return json.dumps(head, indent=2)[:-2] + f',\n  "verdicts": {{\n{rows}\n  }}\n}}\n'

    def _number(self, row: Mapping[str, str]) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, client in enumerate(self.clients):
            if row[client] != FINE:
                numbers.setdefault(row[client], []).append(number)
        return numbers


@cache
def load_table() -> BreakageTable:
    """The last measurement; an empty table if there is no file."""
    if not DATA.is_file():
        return BreakageTable("", {}, {})
    read = json.loads(DATA.read_text("utf-8"))
    names = list(read["clients"])
    verdicts = {name: dict.fromkeys(names, FINE) for name in read["verdicts"]}
    for name, row in read["verdicts"].items():
        for verdict, numbers in row.items():
            verdicts[name] |= {names[number]: verdict for number in numbers}
    return BreakageTable(read["measured"], read["clients"], verdicts)


def format_breakage(row: Mapping[str, str]) -> str:
    """A row in words: `openai-python 3, LangChain: silently empty; others fine`; empty for an empty row."""
    groups: dict[str, list[str]] = {}
    for client, verdict in row.items():
        if verdict != NOT_ASKED:
            groups.setdefault(verdict, []).append(client)
    parts = [
        f"{_join_clients(clients)}: {_format_verdict(verdict)}"
        for verdict, clients in groups.items()
        if verdict not in _NOT_LISTED
    ]
    if len(groups) == 1:
        (verdict,) = groups
        if verdict == FINE:
            return "every client measured is fine"
        return "" if verdict == ANSWERS else f"every client: {_format_verdict(verdict)}"
    return "; ".join((*parts, "others fine") if FINE in groups else parts)


def _format_verdict(verdict: str) -> str:
    if verdict == NO_ERROR:
        return "no error is raised"
    return _WORDS.get(verdict, verdict.replace("wrong: ", "wrong "))


def _join_clients(clients: list[str]) -> str:
    """The names, those of one family once: `openai-python 1, 2 and 3`."""
    families: dict[str, list[str]] = {}
    for client in clients:
        family, _, version = client.partition(" ")
        families.setdefault(family, []).extend([version] if version else [])
    return ", ".join(f"{name} {_enumerate(versions)}".strip() for name, versions in families.items())


def _enumerate(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
