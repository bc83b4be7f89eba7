"""Writes the corpus into a folder: JSON, raw bytes, and a reader in another language to begin with."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from contract_tests.corpus.corpus import FORMAT, as_text, count, describe_relations, describe_rules, read_entries
from fake_server.command_line import kit_version

HERE = Path(__file__).resolve().parent
COPIED = {"README.md": "CORPUS.md", "check.mjs": "check.mjs"}
"""What is exported as it stands beside this file, where it has the second name."""


class NotEmpty(ValueError):
    """There is something where the corpus is to be written."""


def export(target: Path) -> dict[str, bytes]:
    """Write the corpus as the folder `target`, whole or not at all; returns its files.

    Raises NotEmpty where something stands there, OSError where it cannot be written.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise NotEmpty(f"{target}: something is there; name a folder that is new or empty")
    files = build()
    parent = target.absolute().parent
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=parent))
    try:
        for name, data in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        made.chmod(0o755)
        if target.exists():
            target.rmdir()
        os.replace(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return files


def build() -> dict[str, bytes]:
    """Every file of the corpus: the bytes by its path in the folder. Raises FixtureError."""
    files: dict[str, bytes] = {}
    entries = list(read_entries())
    files["rules.json"] = as_text(describe_rules(entries))
    files["relations.json"] = as_text(describe_relations())
    for entry in entries:
        home = f"exchanges/{entry.name}"
        files[f"{home}/exchange.json"] = as_text(entry.describe())
        files |= {f"{home}/{name}": data for name, data in entry.files.items()}
    files |= {name: (HERE / source).read_bytes() for name, source in COPIED.items()}
    sums = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    index = {
        "format": FORMAT,
        "kit": kit_version(),
        "counts": count(entries),
        "exchanges": [entry.name for entry in entries],
        "files": sums,
    }
    files["index.json"] = as_text(index)
    return files
