"""Own rules and cases take part in judging, runs and all forms of a report; a wrong one is one clear line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contract_tests.cases import CASES
from contract_tests.cli import cli
from contract_tests.cli.failures import describe_failure
from contract_tests.own import checking
from contract_tests.own.bounded import TookTooLong, bounded
from contract_tests.own.loading import own_modules
from contract_tests.rules import RULES
from contract_tests.rules.catalogue import SECTIONS
from contract_tests.target.errors import UsageError
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer

EXAMPLE = ROOT / "contract_tests" / "own" / "example"
ACME = str(EXAMPLE / "acme_rules.py")
POEM = str(ROOT / "fixtures" / "conforming" / "poem-dict.yaml")

HEAD = """
from contract_tests.own import *
acme = Section("acme", "Acme", "https://acme.example")
@acme.rule("broken", over=replies, harm="none")
def broken(view):
    "It holds."
"""


def contract(*argv: str) -> Result:
    return CliRunner().invoke(cli, argv, standalone_mode=False, catch_exceptions=True)


def message(done: Result) -> tuple[str, int]:
    assert done.exception is not None
    return describe_failure(done.exception)


def write(folder: Path, text: str) -> str:
    file = folder / "own.py"
    file.write_text(text)
    return str(file)


@pytest.fixture(autouse=True)
def _the_kit_is_as_it_was() -> Iterator[None]:
    rules, cases = dict(RULES), list(CASES)
    sizes = [len(section.rules) for section in SECTIONS]
    yield
    assert (dict(RULES), list(CASES)) == (rules, cases)
    assert [len(section.rules) for section in SECTIONS] == sizes


def test_own_rules_judge_recordings_in_every_form(tmp_path: Path) -> None:
    forms = {form: tmp_path / f"r.{form}" for form in ("json", "sarif", "html", "markdown")}
    options = [word for form, file in forms.items() for word in (f"--{form}", str(file))]
    done = contract("judge", POEM, "--rules", ACME, *options)
    assert done.exception is None
    assert done.return_value == 1
    assert "acme.billed   MUST" in done.stdout
    assert "A chat completion says in `usage.team` who pays." in done.stdout
    for form, file in forms.items():
        assert "acme.billed" in file.read_text(), form
        assert "acme.trace-header" in file.read_text(), form
    report = json.loads(forms["json"].read_text())
    assert {finding["rule"]: finding["level"] for finding in report["findings"]} == {
        "acme.trace-header": "SHOULD",
        "acme.billed": "MUST",
    }
    later = contract("report", str(forms["json"]), "--html", str(tmp_path / "later.html"))
    assert later.exception is None
    assert "acme.billed" in (tmp_path / "later.html").read_text()


def test_own_rules_are_selected_like_those_of_the_kit() -> None:
    done = contract("judge", POEM, "--rules", ACME, "--select", "acme.trace-header", "--fail-on", "should")
    assert done.return_value == 1
    assert "acme.billed" not in done.stdout


def test_own_cases_and_rules_take_part_in_a_run_and_its_baseline(tmp_path: Path) -> None:
    own = ("--rules", ACME, "--cases", str(EXAMPLE / "acme_cases.py"), "--select", "acme")
    known, saved, options = tmp_path / "known.yaml", tmp_path / "r.json", tmp_path / "contract.toml"
    junit = tmp_path / "r.xml"
    with FakeServer(seed=1) as fake:
        done = contract("run", fake.base_url, *own, "--json", str(saved), "--junit", str(junit))
        assert done.return_value == 1
        again = next(line for line in done.stdout.splitlines() if line.lstrip().startswith("again"))
        assert f"--rules {ACME} --cases {own[3]}" in again
        assert "acme.billed" in junit.read_text()
        report = json.loads(saved.read_text())
        assert [case["id"] for case in report["cases"]] == ["acme.brief", "acme.echo"]
        assert {finding["rule"] for case in report["cases"] for finding in case["findings"]} == {
            "acme.billed",
            "acme.trace-header",
        }
        written = contract("baseline", fake.base_url, *own, "--output", str(known))
        assert written.return_value == 0, written.output
        options.write_text(
            f"url = '{fake.base_url}'\nrules = ['{ACME}']\ncases = ['{own[3]}']\nselect = ['acme']\n"
            f"baseline = '{known}'\n"
        )
        assert contract("run", "--config", str(options)).return_value == 0
    listed = contract("run", "--list", *own)
    assert "acme.echo" in listed.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "own.py: no rule is in it"),
        ("x = 1\ndef broken(:\n", "own.py:2: not Python"),
        ("x = 1\nraise KeyError('lost')\n", "own.py:2: cannot be loaded: KeyError: 'lost'"),
        ("import sys\nsys.exit(0)\n", "own.py:2: cannot be loaded: SystemExit"),
        ("\x00", "own.py"),
        (HEAD + HEAD[HEAD.index("@") :], "own.py:7: there is a rule acme.broken already"),
        (HEAD.replace('"acme"', '"chat.acme"'), "chat is the kit's; begin it with a name of your own"),
        (HEAD.replace('"broken"', '"Not an id"'), "an id is small letters"),
        (HEAD.replace('    "It holds."', "    pass"), "lacks a level, `over`, a docstring"),
        (HEAD.replace('Section("acme", "Acme", "https://acme.example")', "kits"), "is in a section of the kit"),
    ],
)
def test_a_wrong_module_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    kits = "from contract_tests.rules.chat.reply import chat as kits\n"
    file = write(tmp_path, (kits + text) if "= kits" in text else text)
    line, code = message(contract("judge", POEM, "--rules", file))
    assert says in line
    assert "\n" not in line
    assert code == 2


def test_rules_of_two_modules_do_not_share_an_id(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD)
    line, _ = message(contract("judge", POEM, "--rules", file, "--rules", file))
    assert "own.py:4: there is a rule acme.broken already" in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "own.py: no case is in it"),
        (
            "from contract_tests.own import chat_case\nchat_case('chat.poem', '', '')\n",
            "own.py:2: cannot be loaded: ValueError: there are two cases chat.poem",
        ),
        ("from contract_tests.own import chat_case\nchat_case('chat.mine', '', '')\n", "chat is the kit's"),
    ],
)
def test_a_wrong_module_of_cases_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    line, code = message(contract("run", "--list", "--cases", write(tmp_path, text)))
    assert says in line
    assert code == 2


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("    1 / 0", "raised ZeroDivisionError: division by zero while it judged poem-dict"),
        ("    import sys; sys.exit(0)", "raised SystemExit: 0"),
        ("    return 7", "returns int from its body"),
        ("    return None", "returns NoneType from its body"),
        ("    return 'text'", "returns str from its body"),
        ("    yield 'text'", "complains with something else than"),
        ("    yield view, 7", "complains with what is no text"),
        ("    yield 'here', 'text'", "complains at str"),
        ("    while True: pass", "was not done after 0.2 s"),
        (
            "    while True:\n        try:\n            x = 1\n        except Exception:\n            x = 2",
            "was not done after",
        ),
    ],
)
def test_a_rule_that_fails_is_left_out_and_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    monkeypatch.setattr(checking, "SECONDS", 0.2)
    file, saved = write(tmp_path, HEAD + body + "\n"), tmp_path / "r.json"
    done = contract("judge", POEM, POEM, "--rules", file, "--rules", ACME, "--json", str(saved))
    line, code = message(done)
    assert f"own.py:4: rule acme.broken {says}" in line
    assert line.count("acme.broken") == 1
    assert code == 2
    report = json.loads(saved.read_text())
    assert {finding["rule"] for finding in report["findings"]} == {"acme.billed", "acme.trace-header"}


def test_a_rule_is_not_asked_where_what_it_needs_is_not_known(tmp_path: Path) -> None:
    needs = HEAD.replace("harm=", "needs=[Aspect.REQUEST], harm=")
    text = f"from fake_server.wire.exchange import Aspect\n{needs}    yield view, view.exchange.request.method\n"
    recording = tmp_path / "a.jsonl"
    body = json.dumps({"object": "list", "data": []})
    recording.write_text(json.dumps({"status": 200, "endpoint": "models", "response_body": body}) + "\n")
    with own_modules([write(tmp_path, text)], []) as faults:
        assert RULES["acme.broken"].needs
    assert not faults.lines


def test_code_that_hangs_is_ended_and_the_tracer_before_is_back() -> None:
    import sys

    before = sys.gettrace()
    with pytest.raises(TookTooLong), bounded(0.05):
        list(iter(lambda: 0, 1))
    assert sys.gettrace() is before


def test_an_unknown_module_names_the_option() -> None:
    with (
        pytest.raises(UsageError, match=r"--rules no\.such\.module: there is no such module"),
        own_modules(["no.such.module"], []),
    ):
        pass
