"""The table of features, `features.yaml`: which cases and rules answer a question that people have of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contract_tests.target.options import below

SOURCE = Path(__file__).resolve().parent / "features.yaml"
OTHER = "other"
"""The feature of what this kit does not know: reports of newer kits have cases and rules of their own."""


@dataclass(frozen=True)
class Feature:
    """A row of the matrix. `cases` and `rules` are ids, prefixes of ids, or beginnings that end with `*`."""

    id: str
    title: str
    question: str
    group: str
    cases: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@cache
def load_features() -> Mapping[str, Feature]:
    """Every feature by its id, in the order of the matrix; the last is for what no other has."""
    groups: list[dict[str, Any]] = yaml.safe_load(SOURCE.read_text("utf-8"))
    features = [
        Feature(**{**given, "group": group["group"], "cases": tuple(given["cases"]), "rules": tuple(given["rules"])})
        for group in groups
        for given in group["features"]
    ]
    last = Feature(OTHER, "Something else", "What this version of the kit does not know.", "Unknown")
    return {feature.id: feature for feature in (*features, last)}


@cache
def feature_of_case(case_id: str) -> Feature:
    """The feature that a case belongs to."""
    return _best(case_id, [(pattern, each) for each in load_features().values() for pattern in each.cases])


@cache
def feature_of_rule(rule_id: str) -> Feature:
    """The feature that a rule belongs to."""
    return _best(rule_id, [(pattern, each) for each in load_features().values() for pattern in each.rules])


def matches(name: str, pattern: str) -> bool:
    """Whether an id is, or lies below, or begins with what a pattern says."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else below(name, pattern)


def _best(name: str, patterns: Iterable[tuple[str, Feature]]) -> Feature:
    fitting = [(len(pattern.rstrip("*")), each) for pattern, each in patterns if matches(name, pattern)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else load_features()[OTHER]
