"""The outside judges: how each is installed and run, how its report is read, and where it is wrong."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contract_tests.lab.tools import sdks

KNOWN = Path(__file__).with_name("known.toml")
PACED = Path(__file__).with_name("slow.yaml")
Points = dict[str, str]
"""The points of a judge by name: pass, fail, warn or skip."""


@dataclass(frozen=True)
class Known:
    """A point that is not passed: what the judge says of it, why the fake is right, where that is seen."""

    says: str
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Judge:
    """One judge, pinned. `command` gets its folder, the fake's base URL and a model.

    `unasked` names the points that are not heard, by the reason. `tool` is a program it needs.
    """

    name: str
    version: str
    model: str
    install: Callable[[Judge, Path], None]
    command: Callable[[Path, str, str], list[str]]
    read: Callable[[Any], Points]
    pins: tuple[str, ...] = ()
    unasked: str = ""
    tool: str = ""

    @property
    def known(self) -> Mapping[str, Known]:
        """The points that are not passed, with the evidence why the fake is right."""
        return known().get(self.name, {})

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


@cache
def known() -> dict[str, dict[str, Known]]:
    """Judge -> point -> what is known of it, from known.toml."""
    tables = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    return {
        judge: {
            point: Known(one["says"], one["why"].strip(), tuple(one["evidence"]))
            for point, one in points.items()
        }
        for judge, points in tables.items()
    }


def by_pip(judge: Judge, home: Path) -> None:
    """Install the judge in an environment of its own. Raises SdkUnavailable."""
    sdks.install(home, [f"{judge.name}=={judge.version}", *judge.pins])


def by_npm(judge: Judge, home: Path) -> None:
    """Install the judge in a folder of its own, without its install scripts. Raises SdkUnavailable."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "package.json").write_text("{}")
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent")
    sdks.run("npm", "install", "--prefix", str(home), *quiet, f"{judge.name}@{judge.version}")


def _each(entries: Iterable[Mapping[str, Any]], words: Mapping[str, str]) -> Points:
    return {str(one["id"]): words.get(str(one["status"]), str(one["status"])) for one in entries}


COMMON = (
    "anyio==4.16.0",
    "attrs==26.1.0",
    "certifi==2026.10.18",
    "h11==0.16.0",
    "httpcore==1.0.9",
    "httpx==0.28.1",
    "idna==3.20",
    "jsonschema==4.26.0",
    "jsonschema-specifications==2025.9.1",
    "referencing==0.37.0",
    "rpds-py==2026.9.1",
    "typing_extensions==4.16.0",
)

JUDGES = (
    Judge(
        "llm-comply",
        "0.5.0",
        "gpt-5",  # of any other family it skips the point about reasoning
        by_pip,
        lambda home, url, model: [
            *(str(home / "bin" / "llm-comply"), "-u", url, "-k", "sk-any", "-m", model),
            *("--format", "openai-chat", "--json"),
        ],
        lambda report: _each(report["results"], {"passed": "pass", "failed": "fail", "skipped": "skip"}),
        pins=COMMON,
        unasked="formats open-responses (an endpoint to come), anthropic and google-* (other APIs)",
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
        pins=(*COMMON, "brotli==1.2.1", "h2==4.4.1", "hpack==4.2.0", "hyperframe==6.1.0"),
        unasked="perf.production-benchmark (tier 6, advisory: speed)",
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
        unasked="responses.basic and responses.streaming (an endpoint to come)",
        tool="npm",
    ),
)
