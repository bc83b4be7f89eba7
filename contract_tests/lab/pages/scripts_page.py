"""The tables of SCRIPTS.md, made from the descriptions in the models."""

from __future__ import annotations

import re

from pydantic import BaseModel

from contract_tests.lab.tools.checkout import ROOT
from fake_server.scripts import model as script_model
from fake_server.scripts import reply_parts, when

PAGE = ROOT / "fake_server" / "scripts" / "SCRIPTS.md"
_TABLE = re.compile(r"<!-- keys of (\w+) -->\n.*?<!-- end -->\n", re.DOTALL)
MODELS: dict[str, type[BaseModel]] = {
    name: model
    for module in (script_model, reply_parts, when)
    for name, model in vars(module).items()
    if isinstance(model, type) and issubclass(model, when.Part) and model is not when.Part
}
"""Every model of the script language, by its name."""


def keys(model: type[BaseModel]) -> dict[str, str]:
    """The keys that an author can write in this model, with their meaning; inherited keys are left out."""
    bases = [base for base in MODELS.values() if base is not model and issubclass(model, base)]
    inherited = {name for base in bases for name in base.model_fields}
    fields = {name: field for name, field in model.model_fields.items() if name not in inherited}
    return {field.alias or name: field.description or "" for name, field in fields.items()}


def page(text: str) -> str:
    """The page with up-to-date tables."""
    return _TABLE.sub(lambda found: _table(found[1]), text)


def _table(name: str) -> str:
    rows = (f"| `{key}` | {meaning.replace('|', chr(92) + '|')} |" for key, meaning in keys(MODELS[name]).items())
    return "\n".join((f"<!-- keys of {name} -->", "", "| key | meaning |", "|---|---|", *rows, "", "<!-- end -->\n"))
