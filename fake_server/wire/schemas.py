"""JSON Schemas of the kit's files: what they are called, and the line that names one to an editor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def urn(name: str, version: int = 1) -> str:
    """The `$id` of a schema: a name that stays, which no program is to fetch."""
    return f"urn:openai-contract-kit:schema:{name}:{version}"


def file_name(name: str) -> str:
    """What a schema is called as a file."""
    return f"openai-contract-{name}.schema.json"


def line_for_editors(name: str, path: Path) -> str:
    """The comment that names the schema of a YAML file at `path`, with its line end; '' where there is none.

    Only a schema in the same folder or above it in the same repository is named, by its relative path: that leads to
    it on each machine. A path into the installed kit would not, and a URN cannot be fetched.
    """
    for steps, folder in enumerate(path.absolute().parents):
        if (folder / file_name(name)).is_file():
            return f"# yaml-language-server: $schema={'../' * steps}{file_name(name)}\n"
        if (folder / ".git").exists():
            break
    return ""


def list_keys(properties: Mapping[str, Any], keys: Iterable[str], required: Iterable[str] = ()) -> Schema:
    """The members of a schema of a mapping: it has the required keys, and none but those that its reader knows.

    Raises KeyError where `properties` lacks a key of the reader.
    """
    listed = {key: properties[key] for key in keys}
    return {"required": list(required), "properties": listed, "additionalProperties": False}
