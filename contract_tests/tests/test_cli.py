"""The contract command as its users meet it: output, exit codes, files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from junitparser import JUnitXml

from contract_tests.lab.tools.command import run_contract
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer

FIXTURES = ROOT / "fixtures"
BODY = str(next(FIXTURES.rglob("*.body")).relative_to(ROOT))
KEY = "sk-secret-planted-in-the-environment"


def contract(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run_contract(*argv, **{"COLUMNS": "110", "NO_COLOR": "1", **environ})


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(seed=5) as server:
        yield server


def last_line(text: str) -> str:
    return text.rstrip().splitlines()[-1]


def test_a_run_on_the_fake_passes_and_says_so(fake: FakeServer, tmp_path: Path) -> None:
    files = ("--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml"))
    done = contract("run", fake.url, "--select", "chat", *files, OPENAI_API_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"target    {fake.url}   model gpt-3.5-turbo" in done.stdout
    assert "requests and" in done.stdout
    assert last_line(done.stdout).startswith("PASS  no findings; ")
    assert last_line(done.stdout).endswith("(exit code 0)")
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["format"], report["verdict"], report["exit_code"]) == (
        "openai-contract-report/1",
        "pass",
        0,
    )
    assert {case["outcome"] for case in report["cases"]} == {"pass"}
    assert report["rules"]["chat.stream.done-last"] > 1
    assert JUnitXml.fromfile(str(tmp_path / "r.xml")).tests == len(report["cases"])
    assert KEY not in done.stdout + (tmp_path / "r.json").read_text() + (tmp_path / "r.xml").read_text()


def test_a_broken_target_fails_with_the_finding(tmp_path: Path) -> None:
    script = tmp_path / "broken.yaml"
    script.write_text(
        """
- name: no done
  reply:
    raw:
      stream: ['{"object": "chat.completion.chunk", "choices": []}']
"""
    )
    with FakeServer(scripts=[script], seed=1) as fake:
        junit = tmp_path / "r.xml"
        done = contract("run", fake.url, "--select", "chat.stream.poem", "--junit", str(junit))
    assert done.returncode == 1
    assert "✗ chat.stream.done-last   MUST" in done.stdout
    assert last_line(done.stdout).startswith("FAIL  ")
    assert last_line(done.stdout).endswith("(exit code 1)")
    assert "chat.stream.done-last" in junit.read_text()


def test_a_finding_has_its_shape() -> None:
    done = contract("replay", "--judge-only", "fixtures/broken/tools.arguments.yaml")
    golden = Path(__file__).parent / "golden" / "replay-tools-arguments.txt"
    assert done.stdout == golden.read_text()
    assert done.returncode == 1


def test_the_plan_of_a_run_can_be_listed() -> None:
    done = contract("run", "--list", "--select", "models")
    assert done.returncode == 0
    assert all(line.startswith("models.") for line in done.stdout.splitlines())
    assert done.stderr == "3 cases, 4 requests, at most 0 tokens of answers\n"


@pytest.mark.parametrize(
    ("argv", "said", "code"),
    [
        (("run",), "give the URL of the target", 2),
        (("run", "ftp://x"), "http:// or https://", 2),
        (("run", "http://127.0.0.1:1/v1"), "port 1 refused the connection", 3),
        (("run", "http://127.0.0.1:1", "--select", "poetry"), "no case is called 'poetry'", 2),
        (("run", "http://127.0.0.1:1", "--header", "nonsense"), "--header takes NAME:VALUE", 2),
        (("run", "http://127.0.0.1:1", "--config", "no.toml"), "no.toml: cannot be read", 2),
        (("run", "http://127.0.0.1:1", "--model", "chta=m"), "did you mean 'chat'?", 2),
        (("run", "http://127.0.0.1:1", "--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set or is empty", 2),
        (("run", "http://127.0.0.1:1", "--json", "no-folder/r.json"), "there is no folder no-folder", 2),
        (("run", "http://127.0.0.1:1", "--idle-timeout", "0"), "--idle-timeout", 2),
        (("run", "--wrong"), "there is no option --wrong", 2),
        (("rnu",), "Did you mean 'run'?", 2),
        (
            ("judge", "fixtures/conforming", "--endpoint", "poetry"),
            "no recording of the endpoint 'poetry'",
            2,
        ),
        (("judge", "no-such-file.jsonl"), "no-such-file.jsonl: cannot be read", 2),
        (("judge", "fixtures/conforming", "--select", "poetry"), "no rule is called 'poetry'", 2),
        (("explain", "chat.stream.donelast"), "did you mean 'chat.stream.done-last'", 2),
        (("rules", "poetry"), "no rule is called 'poetry'", 2),
        (("offline", "--fixture", "README.md"), "README.md", 2),
        (("offline", "--fixture", "README.md", "--junit", "r.xml"), "--junit reports cases", 2),
        (("replay", "README.md"), "README.md", 2),
        (("run", "http://127.0.0.1:1", "--profile", "azur"), "did you mean 'azure'?", 2),
        (("run", "http://127.0.0.1:1", "--baseline", "no.yaml"), "no.yaml: cannot be read", 2),
        (("run", "http://127.0.0.1:1", "--require", "tool"), "did you mean 'tools'?", 2),
        (("judge", "fixtures/conforming", "--profile", "README.yaml"), "README.yaml: cannot be read", 2),
        (("baseline", "--output", "known.yaml"), "contract baseline http://localhost:1337/v1", 2),
        (("judge", BODY), "judge its head, fixtures/", 2),
    ],
)
def test_what_goes_wrong_is_one_line(argv: tuple[str, ...], said: str, code: int) -> None:
    done = contract(*argv)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert last_line(done.stderr).endswith(f"(exit code {code})")
    assert done.returncode == code


def test_options_come_from_a_file_too(fake: FakeServer, tmp_path: Path) -> None:
    config = tmp_path / "contract.toml"
    config.write_text('select = ["models"]\nmodel = ["gpt-4o"]\n')
    done = contract("run", fake.url, "--config", str(config))
    assert done.returncode == 0, "chat was not asked"
    assert "model gpt-4o" in done.stdout
    assert last_line(done.stdout).startswith("PASS  no findings; 3 of ")
    config.write_text("selct = []\n")
    done = contract("run", fake.url, "--config", str(config))
    assert "unknown key 'selct'; did you mean 'select'?" in done.stderr


def test_judging_prints_where_each_rule_applied(tmp_path: Path) -> None:
    done = contract("judge", "fixtures/conforming", "--json", str(tmp_path / "j.json"))
    assert done.returncode == 0
    assert json.loads((tmp_path / "j.json").read_text())["rules"]["chat.stream.done-last"]["applied"] > 1
    assert "chat.stream.done-last" in done.stdout
    assert last_line(done.stdout).startswith("PASS  no findings; ")


def test_a_rule_is_told_once_with_its_first_places(tmp_path: Path) -> None:
    for file in (FIXTURES / "broken").glob("usage.adds-up*"):
        shutil.copy(file, tmp_path)
    for number in range(1, 5):
        shutil.copy(tmp_path / "usage.adds-up.yaml", tmp_path / f"copy-{number}.yaml")
    said = contract("judge", str(tmp_path)).stdout
    assert said.count("✗ usage.adds-up   MUST") == 1
    assert said.count("    see       ") == 1
    assert [said.count(f"    in        copy-{number}\n") for number in range(1, 5)] == [1, 1, 1, 0]
    assert "    also in   copy-4, usage.adds-up" in said


def test_a_profile_tolerates_in_recordings_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        """
openai-contract-profile: 1
about: A server that cannot add.
tolerate:
- {rule: usage.adds-up, reason: it adds otherwise, link: "https://example.org/1"}
"""
    )
    sums = "fixtures/broken/usage.adds-up.yaml"
    done = contract("judge", sums, "--profile", str(path), "--json", str(tmp_path / "j.json"))
    assert done.returncode == 0
    assert f"tolerated by profile {path}: 1 finding of 1 rule" in done.stdout
    report = json.loads((tmp_path / "j.json").read_text())
    assert (report["findings"], report["tolerated"][0]["tolerated"]["place"]) == ([], f"{path}:5")
    assert contract("judge", sums).returncode == 1


def test_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    wrong = {'{"request"': "1: not JSON", "{}": "1: the member 'request' is missing", "[]": "1: not a recording"}
    for line, said in wrong.items():
        path.write_text(f"{line}\n")
        done = contract("judge", str(path))
        assert f"bad.jsonl:{said}" in done.stderr
        assert done.returncode == 2


def test_every_rule_can_be_explained() -> None:
    listed = contract("rules").stdout.splitlines()
    assert len(listed) > 140
    done = contract("explain", "usage.adds-up")
    assert done.stdout.startswith("usage.adds-up\n  `total_tokens` is the sum of")
    assert "fixtures/broken/usage.adds-up.yaml" in done.stdout
    kept = next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("    kept by"))
    assert contract("replay", "--judge-only", kept).returncode == 0


def test_a_closed_pipe_is_quiet() -> None:
    done = subprocess.run(
        f"{sys.executable} -m contract_tests judge fixtures | head -1",
        shell=True, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
