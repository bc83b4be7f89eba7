"""Runs `contract run` with the inputs of the action, and writes its outputs, annotations and step summary.

Inputs arrive as variables and leave as words of a command: no shell ever reads them. What a server sends is printed
between stop-commands, so that it cannot give the runner orders.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORMS = {
    "--html": "report.html",
    "--junit": "junit.xml",
    "--sarif": "report.sarif",
    "--markdown": "report.md",
    "--badge": "badge.svg",
    "--shields": "shields.json",
}
"""The forms of the report, as far as the installed version has them."""
VERDICTS = {0: "pass", 1: "fail", 3: "not reached"}
CONTRACT = (sys.executable, "-Iu", "-m", "openai_contract_kit.contract_tests")
"""Isolated: a module in the workspace takes the place of none of the kit's."""


def main() -> int:
    folder = Path(os.environ.get("RUNNER_TEMP") or "/tmp", "openai-contract-report")  # noqa: S108 as in action.yml
    folder.mkdir(parents=True, exist_ok=True)
    saved = folder / "report.json"
    saved.unlink(missing_ok=True)
    try:
        options = [f"--json={saved}", *options_of_inputs()]
    except ValueError as error:
        return _finish(2, folder, f"args cannot be read: {error}")
    url = get("URL")
    if not url:
        return _finish(2, folder, "the input url is empty")
    if get("WAIT") not in ("", "0"):
        asking = [option for option in options if option.startswith("--model=")]
        code, last = _run("Is it there?", "doctor", f"--wait={get('WAIT')}", *asking, "--", url)
        if code == 2:
            return _finish(code, folder, last)
    code, last = _run("", "run", *options, "--", url)
    if saved.is_file():
        _write_forms(saved, folder)
    return _finish(code, folder, "" if saved.is_file() else last)


def get(name: str) -> str:
    """An input without the blanks around it."""
    return os.environ.get(f"INPUT_{name}", "").strip()


def options_of_inputs() -> Iterator[str]:
    """The options of `contract run`, each a word with its value. Raises ValueError for unbalanced quotes in `args`."""
    for name in ("PROFILE", "BASELINE", "FAIL_ON"):
        if value := get(name):
            yield f"--{name.lower().replace('_', '-')}={value}"
    yield from (f"--model={model}" for model in get("MODEL").split())
    yield from (f"--select={section}" for section in re.split(r"[\s,]+", get("SECTIONS")) if section)
    yield from shlex.split(get("ARGS"))


def _run(group: str, *words: str) -> tuple[int, str]:
    """Run a command of the kit, as a folded group if that has a name; its exit code and the last line it printed."""
    token = secrets.token_hex(16)
    print(f"::group::{group}\n" if group else "", f"::stop-commands::{token}", sep="", flush=True)
    process = subprocess.Popen(  # noqa: S603
        [*CONTRACT, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
    )
    last = ""
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line.strip() or last
    code = process.wait()
    print(f"\n::{token}::" + ("\n::endgroup::" if group else ""), flush=True)
    return code, last


def _write_forms(saved: Path, folder: Path) -> None:
    """Make what else the installed kit can make of the report: files, annotations, the step summary."""
    known = subprocess.run(  # noqa: S603
        [*CONTRACT, "report", "--help"], capture_output=True, encoding="utf-8", check=False
    ).stdout
    options = [f"{option}={folder / name}" for option, name in FORMS.items() if f"{option} " in known]
    flags = [flag for flag in ("--annotations", "--step-summary") if flag in known]
    if not os.environ.get("GITHUB_STEP_SUMMARY"):
        flags = [flag for flag in flags if flag != "--step-summary"]
    if options or flags:
        subprocess.run([*CONTRACT, "report", *options, *flags, "--", str(saved)], check=False)  # noqa: S603
    if "--step-summary" not in flags:
        _summarize(f"OpenAI contract: {_read(saved).get('verdict', '')}")


def _finish(code: int, folder: Path, problem: str) -> int:
    """Write the outputs; `problem` says why there is no report. Returns the exit code."""
    report = _read(folder / "report.json")
    verdict = report.get("verdict") or VERDICTS.get(code, "harness failed")
    if problem:
        verdict = "not reached" if code in (1, 2, 3) else verdict
        print(f"::error title=OpenAI contract::{_escape(problem)}", flush=True)
        _summarize(f"OpenAI contract: {verdict}")
    numbers = report.get("summary") or {}
    levels = numbers.get("findings") or {}
    percent = ((numbers.get("total") or {}).get("coverage") or {}).get("percent")
    outputs = {
        "verdict": verdict,
        "must": (levels.get("MUST") or {}).get("findings", 0),
        "should": (levels.get("SHOULD") or {}).get("findings", 0),
        "coverage": "" if percent is None else percent,
        "report": folder,
    }
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            for name, value in outputs.items():
                end = secrets.token_hex(16)
                file.write(f"{name}<<{end}\n{value}\n{end}\n")
    return code


def _summarize(text: str) -> None:
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"### {text}\n")


def _read(path: Path) -> dict[str, Any]:
    """The saved report, {} where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _escape(text: str) -> str:
    """A text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    sys.exit(main())
