"""Runs `contract run` with the inputs of the action, and writes its outputs, annotations and step summary.

Inputs arrive as variables and leave as words of a command: no shell ever reads them. What a server sends is printed
between stop-commands, so that it cannot give the runner orders.
"""

from __future__ import annotations

import itertools
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
REFUSED = {
    "--list": "it asks nothing; leave it out",
    "--help": "it asks nothing; leave it out",
    "-h": "it asks nothing; leave it out",
    "--json": "the action writes the JSON report and tells where it is in its output `report`",
    "--annotations": "the action makes the annotations",
    "--step-summary": "the action writes the step summary",
    "--": "the address is the input `url`",
}
"""What `args` may not hold, as it would leave the action without a report or have it written twice, and what to do."""
VERDICTS = {3: "not reached", 4: "harness failed"}
"""The verdict where the kit wrote no report, by its exit code; `error` for any other."""
CONTRACT = (sys.executable, "-Iu", "-m", "openai_contract_kit.contract_tests")
"""Isolated: a module in the workspace takes the place of none of the kit's."""


def main() -> int:
    folder = _make_folder()
    saved = folder / "report.json"
    try:
        options = [*options_of_inputs(), f"--json={saved}"]
    except ValueError as error:
        return _finish(2, folder, str(error))
    url = get("URL")
    if not url:
        return _finish(2, folder, "the input url is empty")
    if get("WAIT") not in ("", "0"):
        asking = [option for option in options if option.startswith("--model=")]
        code, last = _run("Is it there?", "doctor", f"--wait={get('WAIT')}", *asking, "--", url)
        if code == 2:
            return _finish(code, folder, last)
    code, last = _run("", "run", *options, "--", url)
    if not saved.is_file():
        return _finish(code or 4, folder, last or "the kit wrote no report")
    failed = _write_forms(saved, folder)
    if failed:
        print("::error title=OpenAI contract::not every form of the report could be made; see above", flush=True)
    return _finish(code or failed, folder)


def _make_folder() -> Path:
    """A new folder for the reports: an earlier step of the job may have used the action too."""
    parent = Path(os.environ.get("RUNNER_TEMP") or "/tmp")  # noqa: S108 as in action.yml
    for number in itertools.count(1):
        folder = parent / f"openai-contract-report{f'-{number}' if number > 1 else ''}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        break
    return folder


def get(name: str) -> str:
    """An input without the blanks around it."""
    return os.environ.get(f"INPUT_{name}", "").strip()


def options_of_inputs() -> Iterator[str]:
    """The options of `contract run`, each a word with its value.

    Raises ValueError for unbalanced quotes in `args`, and for what has no place there.
    """
    for name in ("PROFILE", "BASELINE", "FAIL_ON"):
        if value := get(name):
            yield f"--{name.lower().replace('_', '-')}={value}"
    yield from (f"--model={model}" for model in get("MODEL").split())
    yield from (f"--select={section}" for section in re.split(r"[\s,]+", get("SECTIONS")) if section)
    try:
        words = shlex.split(get("ARGS"))
    except ValueError as error:
        raise ValueError(f"args cannot be read: {error}") from error
    for word in words:
        if why := REFUSED.get(word.partition("=")[0]):
            raise ValueError(f"args: {word.partition('=')[0]} has no place there: {why}")
    yield from words


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


def _write_forms(saved: Path, folder: Path) -> int:
    """Make what else the installed kit can make of the report: files, annotations, the step summary.

    Returns the exit code of the kit.
    """
    known = subprocess.run(  # noqa: S603
        [*CONTRACT, "report", "--help"], capture_output=True, encoding="utf-8", check=False
    ).stdout
    options = [f"{option}={folder / name}" for option, name in FORMS.items() if f"{option} " in known]
    flags = [flag for flag in ("--annotations", "--step-summary") if flag in known]
    if not os.environ.get("GITHUB_STEP_SUMMARY"):
        flags = [flag for flag in flags if flag != "--step-summary"]
    failed = 0
    if options or flags:
        command = [*CONTRACT, "report", *options, *flags, "--", str(saved)]
        failed = subprocess.run(command, check=False).returncode  # noqa: S603
    if "--step-summary" not in flags:
        _summarize(f"OpenAI contract: {_read(saved).get('verdict', '')}")
    return failed


def _finish(code: int, folder: Path, problem: str = "") -> int:
    """Write the outputs; `problem` says why there is no report. Returns the exit code.

    Numbers are empty where there is no verdict: nobody knows how many findings there are.
    """
    report = _read(folder / "report.json")
    verdict = report.get("verdict") or VERDICTS.get(code, "error")
    if problem:
        print(f"::error title=OpenAI contract::{_escape(problem)}", flush=True)
        _summarize(f"OpenAI contract: {verdict}")
    numbers = report.get("summary") or {}
    levels = numbers.get("findings") or {}
    has_verdict = bool(report) and verdict not in ("not reached", "harness failed", "error")
    percent = ((numbers.get("total") or {}).get("coverage") or {}).get("percent")
    outputs = {
        "verdict": verdict,
        "must": (levels.get("MUST") or {}).get("findings", 0) if has_verdict else "",
        "should": (levels.get("SHOULD") or {}).get("findings", 0) if has_verdict else "",
        "coverage": "" if percent is None or not has_verdict else percent,
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
