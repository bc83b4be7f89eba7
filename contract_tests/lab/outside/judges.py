"""The outside judges: how each is installed, run and read, and where it is wrong."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contract_tests.lab.tools.environments import node_environment, python_environment

KNOWN = Path(__file__).with_name("known.toml")
PACED = Path(__file__).with_name("slow.yaml")
Points = dict[str, str]
"""The points of a judge by name: pass, fail, warn or skip."""


@dataclass(frozen=True)
class Known:
    """A point that does not pass: what the judge says of it, why the fake is right, and the evidence."""

    says: str
    why: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Judge:
    """One judge, pinned.

    - `install`: returns its program, installed where absent; raises NotInstalled.
    - `arguments`: what the program is given, from the fake's base URL and a model.
    - `read`: the points in its report, from the report's JSON.
    - `pins`: exact versions of what it requires.
    - `unasked`: the points that it is not asked for, and why.
    - `tool`: a program it needs on PATH.
    - `package`: what is installed, where one package is asked in two ways.
    """

    name: str
    version: str
    model: str
    install: Callable[[Judge], Path]
    arguments: Callable[[str, str], list[str]]
    read: Callable[[Any], Points]
    pins: tuple[str, ...] = ()
    unasked: str = ""
    tool: str = ""
    package: str = ""

    @property
    def program(self) -> str:
        """The name of its package and of its program."""
        return self.package or self.name

    @property
    def known(self) -> Mapping[str, Known]:
        """The points that do not pass although the fake is right."""
        return known().get(self.name, {})

    @property
    def missing(self) -> str:
        """The tool it needs that is not there, '' where nothing is missing."""
        return self.tool if self.tool and shutil.which(self.tool) is None else ""

    def points(self, output: str) -> Points:
        """The points in a report. Raises ValueError where the output is no report."""
        try:
            points = self.read(json.loads(output))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the report of {self.name} has no {error}") from error
        if not points:
            raise ValueError(f"the report of {self.name} holds no point")
        return points


@cache
def known() -> dict[str, dict[str, Known]]:
    """Judge -> point -> what is known of it, from known.toml."""
    tables = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    return {
        judge: {
            point: Known(entry["says"], entry["why"].strip(), tuple(entry["evidence"]))
            for point, entry in points.items()
        }
        for judge, points in tables.items()
    }


def install_by_pip(judge: Judge) -> Path:
    """The judge's program, which is named like it. Raises NotInstalled."""
    python = python_environment(judge.program, [f"{judge.program}=={judge.version}", *judge.pins])
    return python.with_name(judge.program)


def install_by_npm(judge: Judge) -> Path:
    """The judge's program, which is named like it. Raises NotInstalled."""
    home = node_environment(judge.program, [f"{judge.program}@{judge.version}"])
    return home / "node_modules" / ".bin" / judge.program


def _points(entries: Iterable[Mapping[str, Any]], renamed: Mapping[str, str]) -> Points:
    """The status of each entry by its id, where `renamed` turns a judge's words into those of Points."""
    return {str(entry["id"]): renamed.get(str(entry["status"]), str(entry["status"])) for entry in entries}


def _judged_points(results: Iterable[Mapping[str, Any]]) -> Points:
    """The results of llmprobe that are a verdict: most others are of APIs that the fake does not have."""
    verdicts = (result for result in results if result["outcome"] in ("pass", "fail"))
    return {str(result["id"]): str(result["outcome"]) for result in verdicts}


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
        install_by_pip,
        lambda url, model: [
            *("-u", url, "-k", "sk-any", "-m", model),
            *("--format", "openai-chat", "--json"),
        ],
        lambda report: _points(report["results"], {"passed": "pass", "failed": "fail", "skipped": "skip"}),
        pins=COMMON,
        unasked="formats anthropic and google-* (other APIs)",
    ),
    Judge(
        "llm-comply-responses",
        "0.5.0",
        "gpt-5",
        install_by_pip,
        lambda url, model: [
            *("-u", url, "-k", "sk-any", "-m", model),
            *("--format", "open-responses", "--ignore", "completed_at,keepalive", "--json"),
        ],
        lambda report: _points(report["results"], {"passed": "pass", "failed": "fail", "skipped": "skip"}),
        pins=COMMON,
        unasked=(
            "that every answer has completed_at, which 168 of 608 recorded from api.openai.com lack, and that no "
            "keepalive comes, which one of 200 streams has: seeds of the fake do both"
        ),
        package="llm-comply",
    ),
    Judge(
        "trustedrouter-provider-check",
        "0.1.8",
        "gpt-4o-mini",
        install_by_pip,
        lambda url, model: ["--base-url", url, "--model", model, "--tier", "5", "--json", "-"],
        lambda report: _points(report["checks"], {}),
        pins=(*COMMON, "brotli==1.2.1", "h2==4.4.1", "hpack==4.2.0", "hyperframe==6.1.0"),
        unasked="perf.production-benchmark (tier 6, advisory: speed)",
    ),
    Judge(
        "compatcanary",
        "0.2.2",
        "gpt-4o-mini",
        install_by_npm,
        lambda url, model: [
            *("scan", "--base-url", url, "--model", model),
            *("--profile", "modern", "--format", "json"),
        ],
        lambda report: _points(report["results"], {}),
        tool="npm",
    ),
    Judge(
        "llmprobe",
        "0.6.12",
        "gpt-4o-mini",
        install_by_npm,
        lambda url, model: [
            *(url, "-m", model, "-k", "sk-any"),
            *("--no-bench", "--no-save", "--reasoning", "default", "--json"),
        ],
        lambda report: _judged_points(report["conformance"]["results"]),
        unasked=(
            "its benchmark; its capability and agentic tasks grade the model, not the server; "
            "reasoning.effort in every request, which api.openai.com refuses for a model that does not reason "
            "(https://github.com/BoundaryML/baml/pull/2708)"
        ),
        tool="npm",
    ),
)
