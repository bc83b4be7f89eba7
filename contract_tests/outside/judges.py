"""The outside judges: how each is installed and run, how its report is read, and where it is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_tests import sdks

Points = dict[str, str]
"""The points of a judge by name: pass, fail, warn or skip."""


@dataclass(frozen=True)
class Judge:
    """One judge, pinned. `command` gets its folder, the fake's base URL and a model.

    `known` names the points that are not passed, each with the evidence why the fake is right; those it
    may also pass say so by `sometimes`.
    """

    name: str
    version: str
    model: str
    install: Callable[[Judge, Path], None]
    command: Callable[[Path, str, str], list[str]]
    read: Callable[[Any], Points]
    pins: tuple[str, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    sometimes: frozenset[str] = frozenset()
    tool: str = ""

    @property
    def missing(self) -> str:
        """The tool it needs that is not there, '' where nothing is missing."""
        return self.tool if self.tool and shutil.which(self.tool) is None else ""

    def points(self, output: str) -> Points:
        """The points in a report. Raises ValueError where it is none."""
        try:
            found = self.read(json.loads(output))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the report of {self.name} has no {error}") from error
        if not found:
            raise ValueError(f"the report of {self.name} holds no point")
        return found


def by_pip(judge: Judge, home: Path) -> None:
    sdks.install(home, [f"{judge.name}=={judge.version}", *judge.pins])


def by_npm(judge: Judge, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text("{}")
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent")
    sdks.run("npm", "install", "--prefix", str(home), *quiet, f"{judge.name}@{judge.version}")


def _each(entries: Iterable[Mapping[str, Any]], words: Mapping[str, str]) -> Points:
    return {str(one["id"]): words.get(str(one["status"]), str(one["status"])) for one in entries}


COMMON = (
    "anyio==4.16.0",
    "certifi==2026.10.18",
    "h11==0.16.0",
    "httpcore==1.0.9",
    "httpx==0.28.1",
    "idna==3.20",
)
NOT_OURS = "it asks for {}, which the API reference and the published spec do not have"

JUDGES = (
    Judge(
        "llm-comply",
        "0.5.0",
        "gpt-5",
        by_pip,
        lambda home, url, model: [
            *(str(home / "bin" / "llm-comply"), "-u", url, "-k", "sk-any", "-m", model),
            *("--format", "openai-chat", "--json"),
        ],
        lambda report: _each(report["results"], {"passed": "pass", "failed": "fail", "skipped": "skip"}),
        pins=COMMON,
        known={
            "chat-reasoning-summary": NOT_OURS.format("the member `reasoning` of a chat request")
            + " (they have `reasoning_effort`); api.openai.com refuses unknown members"
        },
    ),
    Judge(
        "trustedrouter-provider-check",
        "0.1.8",
        "gpt-4o-mini",
        by_pip,
        lambda home, url, model: [
            *(str(home / "bin" / "trustedrouter-provider-check"), "--base-url", url, "--model", model),
            *("--tier", "5", "--json", "-"),
        ],
        lambda report: _each(report["checks"], {}),
        pins=COMMON,
        known={
            "catalog.declared-v2": "a catalogue of its own market (--catalog-url), nothing of OpenAI's",
            "chat.forwarded-fields": NOT_OURS.format("top_k, thinking and reasoning in a chat request"),
            "stream.incremental-delivery": "it wants time between the deltas; the fake is done "
            "within milliseconds, each chunk in a write of its own",
        },
        sometimes=frozenset({"stream.incremental-delivery"}),
    ),
    Judge(
        "compatcanary",
        "0.2.2",
        "gpt-4o-mini",
        by_npm,
        lambda home, url, model: [
            *(str(home / "node_modules" / ".bin" / "compatcanary"), "scan", "--base-url", url),
            *("--model", model, "--profile", "chat", "--format", "json"),
        ],
        lambda report: _each(report["results"], {}),
        tool="npm",
    ),
)
