"""SARIF validates by the schema of OASIS and by Microsoft's multitool, with the rules of GitHub's code scanning."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest

from contract_tests.lab.tools.environments import NotInstalled, node_environment
from contract_tests.report.document import Document
from contract_tests.report.forms.sarif import format_sarif
from contract_tests.tests.documents import made_up_document, of_hostile_texts, of_recordings

PACKAGE = "@microsoft/sarif-multitool-linux"
VERSION = "5.7.0"
TEXTS = ("", "](https://evil.example) [a](1) {0} {{", "a\nb\x00\u202e%", "x" * 5_000, "../../etc/passwd", "C:\\a b#c?d")
DOCUMENTS = {
    "a run": made_up_document(),
    "recordings": of_recordings(made_up_document()),
    **{f"hostile {number}": of_hostile_texts(made_up_document(), text) for number, text in enumerate(TEXTS)},
}


@pytest.fixture(scope="module")
def multitool() -> Path:
    try:
        home = node_environment("sarif-multitool", [f"{PACKAGE}@{VERSION}"])
    except NotInstalled as error:
        pytest.skip(str(error))
    return home / "node_modules" / PACKAGE


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_sarif_validates(document: Document, multitool: Path, tmp_path: Path) -> None:
    path, tool = tmp_path / "run.sarif", multitool / "Sarif.Multitool"
    path.write_text(format_sarif(document), encoding="utf-8")
    schema = json.loads((multitool / "sarif-2.1.0.json").read_text("utf-8-sig"))
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)
    tool.chmod(0o755)
    done = subprocess.run(
        [tool, "validate", "--rule-kind", "Sarif;Gh", path],
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Analysis completed successfully" in done.stdout, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if ": error " in line or ": warning " in line] == []
