"""Read the descriptions beside this module, which are YAML: operations, replies, control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def read(name: str) -> dict[str, Any]:
    """The content of the YAML file of this name, without its ending."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 (a safe one)
    return content
