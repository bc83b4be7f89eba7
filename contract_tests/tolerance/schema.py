"""The JSON Schemas of profiles and baselines, from the members, rules and cases that `file` takes."""

from __future__ import annotations

from contract_tests.cases import CASES
from contract_tests.rules import RULES
from contract_tests.tolerance.file import MEMBERS, PROFILE, TOP, VERSION, mark_of, needed_in
from fake_server.wire.schemas import DRAFT, Schema, list_keys, urn

TEXT: Schema = {"type": "string", "pattern": r"\S"}
DATE = r"^\s*(\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d(-?[1-7])?)?\s*$"
LINK = r"^\s*https?://"


def schema(kind: str) -> Schema:
    """The schema of a profile or a baseline."""
    optional_link: Schema = {"type": "string", "pattern": rf"{LINK}|^\s*$"}
    members: Schema = {
        "rule": {"enum": sorted(RULES), "description": "the rule whose findings are tolerated"},
        "in": {
            "type": ["string", "array"],
            "description": "cases or recordings; `*` matches any characters",
            "minLength": 1,
            "minItems": 1,
            "items": {"type": "string", "minLength": 1},
        },
        "at": {"type": "string", "description": "the path in the JSON, such as choices[*].delta"},
        "actual": {"type": "string", "description": "what was seen; `*` matches any characters"},
        "reason": {**TEXT, "description": "why it is tolerated"},
        "link": {"type": "string", "pattern": LINK} if kind == PROFILE else optional_link,
        "expires": {"type": "string", "pattern": DATE, "description": "the last day, as in 2027-01-31"},
    }
    entry = {"type": "object", **list_keys(members, MEMBERS, needed_in(kind))}
    top: Schema = {
        mark_of(kind): {"const": VERSION},
        "tolerate": {"type": "array", "items": entry, "description": "what is tolerated, [] for nothing"},
        "about": {"type": "string", "description": "what the profile is of"},
        "select": {**_prefixes(), "description": "the cases that are asked; all if omitted"},
        "without": {**_prefixes(), "description": "those of them that are not"},
    }
    return {
        "$schema": DRAFT,
        "$id": urn(kind, VERSION),
        "title": f"A {kind}: departures from the contract that are tolerated",
        "type": "object",
        **list_keys(top, (mark_of(kind), *TOP[kind]), (mark_of(kind), "tolerate")),
    }


def _prefixes() -> Schema:
    ends = {case_id[:place] for case_id in CASES for place, char in enumerate(f"{case_id}.") if char == "."}
    return {"type": "array", "items": {"anyOf": [{"enum": sorted(ends)}, {"type": "string", "pattern": r"\.$"}]}}
