"""The GitHub Action: its steps run as a runner's shell runs them, and no input is ever read as shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import ROOT
from fake_server import FakeServer

KEY = "sk-the-key-of-this-workflow-0123"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@dataclass
class Runner:
    """Runs the steps of action.yml in a folder of its own, as GitHub's runner does."""

    folder: Path
    inputs: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    printed: str = ""

    def __post_init__(self) -> None:
        self.workspace, self.temp = self.folder / "workspace", self.folder / "temp"
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True, exist_ok=True)
        self.output, self.summary_file = self.folder / "output", self.folder / "summary"
        self.summary_file.touch()
        self.steps: dict[str, dict[str, str]] = {}

    def run(self, *names: str) -> int:
        """Run the steps, or those of these ids alone; the exit code of the first that fails, else 0."""
        for step in ACTION["runs"]["steps"]:
            if names and step.get("id") not in names:
                continue
            assert step["shell"] == "bash"
            self.output.write_text("")
            script = self.folder / "step.sh"
            script.write_text(step["run"], encoding="utf-8")
            environ = {
                **processes.inherited_variables(),
                **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
                **{name: self.evaluate(value) for name, value in step.get("env", {}).items()},
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_STEP_SUMMARY": str(self.summary_file),
                "GITHUB_ACTIONS": "true",
                "RUNNER_TEMP": str(self.temp),
                **self.environ,
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                env=environ,
                cwd=self.workspace,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=600,
                check=False,
            )
            self.printed += done.stdout
            self.steps[step.get("id", "")] = self._outputs()
            if done.returncode:
                return done.returncode
        return 0

    def evaluate(self, text: str) -> str:
        """The text with its expressions evaluated."""

        def value(match: re.Match[str]) -> str:
            kind, name, *rest = match[1].split(".")
            if kind == "inputs":
                return self.inputs.get(name, ACTION["inputs"][name].get("default", ""))
            assert (kind, rest[0]) == ("steps", "outputs")
            return self.steps.get(name, {}).get(rest[1], "")

        return _EXPRESSION.sub(value, str(text))

    def _outputs(self) -> dict[str, str]:
        found, lines = {}, iter(self.output.read_text(encoding="utf-8").split("\n"))
        for line in lines:
            name, mark, end = line.partition("<<")
            if mark:
                inside = []
                while (inner := next(lines)) != end:
                    inside.append(inner)
                found[name] = "\n".join(inside)
        return found

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the action."""
        return {name: self.evaluate(output["value"]) for name, output in ACTION["outputs"].items()}

    @property
    def summary(self) -> str:
        return self.summary_file.read_text(encoding="utf-8")


def judge(folder: Path, **inputs: str) -> tuple[Runner, int]:
    """The action with the kit of this checkout in place of the one that its first step installs."""
    runner = Runner(folder, {name.replace("_", "-"): value for name, value in inputs.items()}, {"OPENAI_API_KEY": KEY})
    (runner.temp / "openai-contract-kit").symlink_to(Path(sys.prefix), target_is_directory=True)
    return runner, runner.run("judge")


def test_no_input_is_read_by_a_shell() -> None:
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
    used = {
        name for step in ACTION["runs"]["steps"] for text in step["env"].values() for name in _EXPRESSION.findall(text)
    }
    assert used == {f"inputs.{name}" for name in ACTION["inputs"]}
    wanted = {"url", "model", "sections", "profile", "baseline", "wait", "fail-on", "args", "version"}
    assert set(ACTION["inputs"]) == wanted
    assert set(ACTION["outputs"]) == {"verdict", "must", "should", "coverage", "report"}


def test_a_server_that_conforms_passes(tmp_path: Path) -> None:
    with FakeServer([], seed=1, plain=True, api_key=KEY) as fake:
        runner, code = judge(tmp_path, url=fake.url, sections="models, chat.short", wait="20", args="--concurrency '2'")
    assert code == 0, runner.printed
    outputs = runner.outputs
    assert (outputs["verdict"], outputs["must"], outputs["should"]) == ("pass", "0", "0")
    assert 0 < float(outputs["coverage"]) < 5  # of all that the kit asks, of which little was selected
    written = {path.name for path in Path(outputs["report"]).iterdir()}
    assert {"report.json", "junit.xml"} <= written
    assert "pass" in runner.summary.lower()
    assert "✓ wait" in runner.printed
    assert KEY not in runner.printed + runner.summary


def test_a_server_that_drifts_fails_with_its_findings(tmp_path: Path) -> None:
    with FakeServer([], seed=1, plain=True, bugs=["ikllama-no-done"]) as fake:
        runner, code = judge(tmp_path, url=fake.url, sections="chat.stream.short")
    assert code == 1, runner.printed
    outputs = runner.outputs
    assert outputs["verdict"] == "fail"
    assert int(outputs["must"]) >= 1
    report = json.loads((Path(outputs["report"]) / "report.json").read_text(encoding="utf-8"))
    assert report["verdict"] == "fail"
    assert "fail" in runner.summary.lower()


def test_a_server_that_is_not_there_is_not_reached(tmp_path: Path) -> None:
    runner, code = judge(tmp_path, url="http://127.0.0.1:9/v1")
    assert code == 3
    assert runner.outputs["verdict"] == "not reached"
    assert [runner.outputs[name] for name in ("must", "should", "coverage")] == ["", "", ""]
    assert re.search(r"^::error title=OpenAI contract.*::.*refused the connection", runner.printed, re.MULTILINE)
    assert "NOT JUDGED" in runner.summary
    assert "not judged" in (Path(runner.outputs["report"]) / "badge.svg").read_text(encoding="utf-8")


def test_a_second_use_in_a_job_leaves_the_reports_of_the_first_and_takes_none_of_them(tmp_path: Path) -> None:
    with FakeServer([], seed=1, plain=True, api_key=KEY) as fake:
        runner, code = judge(tmp_path, url=fake.url, sections="models")
    first = Path(runner.outputs["report"])
    assert code == 0
    runner.inputs = {"url": "http://127.0.0.1:9/v1"}
    assert runner.run("judge") == 3
    second = Path(runner.outputs["report"])
    assert first != second
    assert "pass" in (first / "badge.svg").read_text(encoding="utf-8")
    assert "not judged" in (second / "badge.svg").read_text(encoding="utf-8")
    runner.inputs = {"url": "http://127.0.0.1:9/v1", "sections": "no-such-section"}
    assert runner.run("judge") == 2
    third = Path(runner.outputs["report"])
    assert [runner.outputs[name] for name in ("verdict", "must", "coverage")] == ["error", "", ""]
    assert list(third.iterdir()) == []
    assert "no case is called 'no-such-section'" in runner.printed


# -- hostile inputs and targets, with a kit that only writes down how it was called

STUB = """\
import json, os, sys
with open(os.environ["STUB"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1:] == ["report", "--help"]:
    print("--junit FILE  --annotations")
if sys.argv[1] == "run":
    print("::error::of the target\\n::add-mask::a\\n  ::stop-commands::guess")
    saved = next(word[7:] for word in sys.argv if word.startswith("--json="))
    level = {"MUST": {"findings": 2, "rules": 1}, "SHOULD": {"findings": 1, "rules": 1}}
    total = {"coverage": {"count": 1, "of": 2, "percent": 50.0}}
    value = {"verdict": os.environ["VERDICT"], "summary": {"findings": level, "total": total}}
    open(saved, "w").write(json.dumps(value))
sys.exit(1 if sys.argv[1] == "run" else 0)
"""


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("stub") / "kit"
    venv.create(home, with_pip=False)
    (packages,) = home.glob("lib/python*/site-packages")
    package = packages / "openai_contract_kit" / "contract_tests"
    package.mkdir(parents=True)
    for path in (package.parent / "__init__.py", package / "__init__.py"):
        path.touch()
    (package / "__main__.py").write_text(STUB)
    return home


def record(stub: Path, folder: Path, verdict: str = "fail", **inputs: str) -> tuple[Runner, int, list[list[str]]]:
    """The action with the stub, its exit code, and the words of each call."""
    calls = folder / "calls"
    named = {"url": "http://127.0.0.1:9", **{name.replace("_", "-"): value for name, value in inputs.items()}}
    runner = Runner(folder, named, {"STUB": str(calls), "VERDICT": verdict, "OPENAI_API_KEY": KEY})
    (runner.temp / "openai-contract-kit").symlink_to(stub, target_is_directory=True)
    code = runner.run("judge")
    return runner, code, [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


LEFT = ("workspace", "temp", "output", "summary", "step.sh", "calls")
"""What a run of the action leaves in the folder of its runner."""
HOSTILE = (
    "$(touch x)",
    "`touch x`",
    "'; touch x; '",
    '"; touch x; "',
    "a\ntouch x\n",
    "--debug",
    "-h",
    "$INPUT_URL ${HOME} * ~",
    "${{ github.token }}",
    "\\",
    "é\u202e\x1b[2J",
    "x && touch x | touch x & touch x > x",
)


@pytest.mark.security("templates")
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_input_is_one_word_or_refused(stub: Path, tmp_path: Path, value: str) -> None:
    plain = ("profile", "baseline", "fail_on")
    for number, names in enumerate((("url",), ("model", "sections", *plain), ("wait", "args"))):
        folder = tmp_path / str(number)
        runner, _, calls = record(stub, folder, **dict.fromkeys(names, value))
        assert list(runner.workspace.iterdir()) == []
        assert {path.name for path in folder.iterdir()} <= {*LEFT}
        for words in calls:
            if words[0] not in ("run", "doctor"):
                continue
            assert words[-2:] == ["--", value.strip() if "url" in names else "http://127.0.0.1:9"]
            if words[0] == "run" and "model" in names:
                assert {f"--{name.replace('_', '-')}={value.strip()}" for name in plain} <= set(words)
                split = [word.partition("=")[2] for word in words[1:-2] if word.startswith("--select=")]
                assert split == [part for part in re.split(r"[\s,]+", value) if part]


def test_words_of_args_are_kept_whole(stub: Path, tmp_path: Path) -> None:
    args = '--header \'X-Team: a "b"\'  --query "k=$(touch x)" --max-requests 7'
    _, _, calls = record(stub, tmp_path, args=args)
    assert calls[0][-8:-3] == ['X-Team: a "b"', "--query", "k=$(touch x)", "--max-requests", "7"]
    runner, code, calls = record(stub, tmp_path / "wrong", args="--header 'X")
    assert (code, calls) == (2, [])
    assert "::error title=OpenAI contract::args cannot be read: No closing quotation" in runner.printed


@pytest.mark.parametrize(
    "args",
    ["--list", "--help", "-h", "--json x", "--json=x", "--annotations", "--step-summary", "-- http://127.0.0.1:8"],
)
def test_args_that_would_leave_the_action_without_its_report_are_refused(stub: Path, tmp_path: Path, args: str) -> None:
    runner, code, calls = record(stub, tmp_path, args=f"--concurrency 2 {args}")
    assert (code, calls) == (2, [])
    assert (runner.outputs["verdict"], runner.outputs["must"]) == ("error", "")
    word = args.split()[0].partition("=")[0]
    assert f"::error title=OpenAI contract::args: {word} has no place there: " in runner.printed


@pytest.mark.parametrize("args", ["--junit x.xml --record r", "--config c.toml", "--select chat"])
def test_other_args_are_kept_and_the_report_is_the_last_word(stub: Path, tmp_path: Path, args: str) -> None:
    _, _, calls = record(stub, tmp_path, args=args)
    assert args in " ".join(calls[0])
    assert calls[0][-3].startswith("--json=")


@pytest.mark.security("hostile targets")
def test_what_a_target_sends_gives_the_runner_no_orders(stub: Path, tmp_path: Path) -> None:
    runner, code, _ = record(stub, tmp_path, verdict="fail\nmust<<x\n0\nx\n::error::y")
    token, stopped, orders = "", False, []
    for line in runner.printed.splitlines():
        order = line.strip()
        if stopped:
            stopped = order != f"::{token}::"
        elif order.startswith("::stop-commands::"):
            token, stopped = order.removeprefix("::stop-commands::"), True
        elif order.startswith("::"):
            orders.append(order)
    assert len(token) == 32
    assert (code, orders) == (1, [])
    assert (runner.outputs["must"], runner.outputs["should"], runner.outputs["coverage"]) == ("2", "1", "50.0")


def test_a_module_of_the_workspace_is_not_imported(stub: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for name in ("json", "shlex", "openai_contract_kit", "subprocess"):
        (workspace / f"{name}.py").write_text("open('x', 'w')\n")
    _, code, calls = record(stub, tmp_path)
    assert code == 1
    assert calls
    assert not (workspace / "x").exists()


# -- the whole of it, installed


@pytest.mark.slow
@pytest.mark.timeout(900)  # pip installs the kit
def test_the_action_installs_itself_and_judges(tmp_path: Path) -> None:
    with FakeServer([], seed=1, plain=True) as fake:
        runner = Runner(tmp_path, {"url": fake.url, "sections": "chat.short"})
        code = runner.run()
        if "could not be installed" in runner.printed and "Retrying (Retry(" in runner.printed:
            pytest.skip("no package index is in reach")  # any other reason is a fault of the kit
        assert code == 0, runner.printed
    outputs = runner.outputs
    assert (outputs["verdict"], outputs["must"]) == ("pass", "0")
    assert 0 < float(outputs["coverage"]) < 5
    written = {path.name for path in Path(outputs["report"]).iterdir()}
    assert written == {
        "report.json",
        "report.html",
        "junit.xml",
        "report.sarif",
        "report.md",
        "badge.svg",
        "shields.json",
    }
    assert "PASS" in runner.summary


@pytest.mark.parametrize(
    "version", ["0.2.0 --index-url http://127.0.0.1", "$(touch x)", "0.2.0 @ file:///x", "../x", "-r x"]
)
@pytest.mark.security("dependencies")
def test_a_version_is_a_version(tmp_path: Path, version: str) -> None:
    runner = Runner(tmp_path, {"url": "http://127.0.0.1:9", "version": version})
    assert runner.run() == 2
    assert "::error title=OpenAI contract::version is a version such as 0.2.0" in runner.printed
    assert list(runner.workspace.iterdir()) == []


def test_an_old_python_is_named(tmp_path: Path) -> None:
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    runner = Runner(tmp_path, {"url": "http://127.0.0.1:9"}, {"PATH": f"{old.parent}{os.pathsep}{os.environ['PATH']}"})
    assert runner.run() == 2
    assert "let actions/setup-python run first" in runner.printed
