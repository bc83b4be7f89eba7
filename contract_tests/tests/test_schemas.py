"""The JSON Schemas of the kit's files agree with what reads them, and editors find them."""

from __future__ import annotations

import copy
import functools
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema.protocols import Validator

from contract_tests.cli import cli, config
from contract_tests.cli.schema import CATALOG, KINDS, catalog
from contract_tests.report import files as report_files
from contract_tests.target.errors import UsageError
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_cli import contract
from contract_tests.tolerance.baseline import NewBaseline, as_yaml
from contract_tests.tolerance.file import SHIPPED, load_baseline, load_profile
from fake_server.scripts import book, commands
from fake_server.wire import fixture
from fake_server.wire.schemas import file_name, line_for_editors

FIXTURES = sorted(path for path in (ROOT / "fixtures").rglob("*.yaml") if path.parent.name != "scripts")
SCRIPTS = sorted((ROOT / "fixtures" / "scripts").glob("*.yaml"))
PROFILES = sorted(SHIPPED.glob("*.yaml"))
PAGE = (ROOT / "fake_server" / "scripts" / "SCRIPTS.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
README = (ROOT / "contract_tests" / "README.md").read_text(encoding="utf-8")
BASELINES = [text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "baseline: 1" in text]
CONFIGS = [
    'url = "http://x"\nmodel = ["gpt-4o-mini", "tools=gpt-4o"]\nfail-on = "should"\n',
    'select = "chat"\nconcurrency = 8\ntimeout = 2.5\nmax-requests = 10\nprofile = "azure"\n',
    'for = "codex"\napi = "responses"\nheader = ["a: b"]\nkey-env = "KEY"\njson = "out.json"\n',
]


class _Yaml12(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads a file as an editor's YAML server does: a time is a string."""


_Yaml12.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> Any:
    return yaml.load(text, Loader=_Yaml12)


@functools.cache
def validator(name: str) -> Validator:
    schema = config.schema(cli.commands.values()) if name == "config" else KINDS[name].schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(name: str, value: Any) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message[:200]}" for error in validator(name).iter_errors(value)]


# -- what is right


@pytest.mark.parametrize(("name", "paths"), [("fixture", FIXTURES), ("scripts", SCRIPTS), ("profile", PROFILES)])
def test_every_committed_file_is_valid(name: str, paths: list[Path]) -> None:
    assert paths
    wrong = {path.name: found for path in paths if (found := problems(name, parse(path.read_text(encoding="utf-8"))))}
    assert wrong == {}


@pytest.mark.parametrize(("name", "texts"), [("scripts", EXAMPLES), ("baseline", BASELINES)])
def test_the_examples_of_the_pages_are_valid(name: str, texts: list[str]) -> None:
    assert texts
    assert [problems(name, parse(text)) for text in texts] == [[]] * len(texts)


@pytest.mark.parametrize("text", CONFIGS)
def test_options_files_are_valid(text: str) -> None:
    assert problems("config", tomllib.loads(text)) == []


def test_each_schema_has_a_name_that_stays() -> None:
    assert {name: kind.schema()["$id"] for name, kind in KINDS.items() if name != "config"} == {
        name: f"urn:openai-contract-kit:schema:{name}:1" for name in KINDS if name != "config"
    }
    assert dict(config.schema(cli.commands.values()))["$id"] == "urn:openai-contract-kit:schema:config:1"


# -- what is wrong, is wrong for both

FIXTURE = """\
openai-contract-fixture: 1
title: a
breaks: [chat.id]
recorded: 2026-11-29T21:38:14Z
request:
  method: GET
  target: /v1/models
  headers: [[accept, a]]
response:
  status: 200
  framing: chunked
  headers: [[content-type, text/plain]]
  head_pause: 0.5
  body: {text: abc}
  writes: [[2, 0.5], [1]]
ending: clean
unknown: [timing]
"""
SCRIPT = """\
- name: a
  when: {messages: {last: {role: user, contains: weather}}, tools: {include: [get_weather]}, stream: true}
  reply:
    tool_calls: [{name: get_weather, arguments: {city: Oslo}}]
    timing: {first: 0.5, rate: 20}
    faults: [{fault: cut, after_events: 2}]
  times: 2
"""
BASELINE = """\
openai-contract-baseline: 1
tolerate:
- rule: usage.adds-up
  in: [chat.poem, chat.stream.*]
  at: usage.total_tokens
  actual: '*'
  reason: counted twice
  link: https://example.com/7
  expires: 2027-01-31
"""
PROFILE = BASELINE.replace("baseline", "profile") + "about: a dialect\nselect: [chat]\nwithout: [chat.stream]\n"
CONFIG = CONFIGS[1]
GOOD = {"fixture": FIXTURE, "scripts": SCRIPT, "baseline": BASELINE, "profile": PROFILE, "config": CONFIG}


def takes(name: str, text: str, folder: Path) -> bool:
    """Whether the kit itself reads a file with this text."""
    path = folder / ("sample.toml" if name == "config" else "sample.yaml")
    path.write_text(text, encoding="utf-8")
    reading: dict[str, Callable[[], object]] = {
        "fixture": lambda: fixture.load(path),
        "scripts": lambda: book.load([path]),
        "baseline": lambda: load_baseline(path),
        "profile": lambda: load_profile(str(path)),
    }
    if name == "config":
        done = contract("run", "--config", str(path), "--list")
        return done.returncode == 0
    try:
        reading[name]()
    except (fixture.FixtureError, book.ScriptError, UsageError):
        return False
    return True


def value_of(name: str, text: str) -> Any:
    return tomllib.loads(text) if name == "config" else parse(text)


@pytest.mark.parametrize("name", GOOD)
def test_the_samples_are_right_for_both(name: str, tmp_path: Path) -> None:
    assert takes(name, GOOD[name], tmp_path)
    assert problems(name, value_of(name, GOOD[name])) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("fixture", "fixture: 1", "fixture: 2"),
        ("fixture", "title:", "titel:"),
        ("fixture", "method: GET", "methods: GET"),
        ("fixture", "status: 200", "status: many"),
        ("fixture", "status: 200", "status: true"),
        ("fixture", "framing: chunked", "framing: chunkd"),
        ("fixture", "{text: abc}", "{text: abc, json: 1}"),
        ("fixture", "{text: abc}", "{file: ../x}"),
        ("fixture", "[[accept, a]]", "[accept]"),
        ("fixture", "[[accept, a]]", '[["accept", "a\\r\\nb"]]'),
        ("fixture", "[[2, 0.5], [1]]", "[2, 1]"),
        ("fixture", "head_pause: 0.5", "head_pause: soon"),
        ("fixture", "ending: clean", "ending: cleen"),
        ("fixture", "[timing]", "timing"),
        ("fixture", "2026-11-29T21:38:14Z", "yesterday"),
        ("scripts", "name: a", "nam: a"),
        ("scripts", "stream: true", "stream: maybe"),
        ("scripts", "times: 2", "times: 0"),
        ("scripts", "fault: cut", "fault: cutt"),
        ("scripts", "rate: 20", "rate: fast"),
        ("scripts", "role: user", "roll: user"),
        ("baseline", "baseline: 1", "baseline: 2"),
        ("baseline", "usage.adds-up", "usage.ads-up"),
        ("baseline", "  reason: counted twice\n", ""),
        ("baseline", "reason: counted twice", "reason: ' '"),
        ("baseline", "https://example.com/7", "example.com/7"),
        ("baseline", "2027-01-31", "soon"),
        ("baseline", "[chat.poem, chat.stream.*]", "[]"),
        ("baseline", "tolerate:", "tolerated:"),
        ("baseline", "  at:", "  path:"),
        ("profile", "  link: https://example.com/7\n", ""),
        ("profile", "select: [chat]", "select: [chatter]"),
        ("profile", "select: [chat]", "select: chat"),
        ("config", "concurrency = 8", "concurency = 8"),
        ("config", "concurrency = 8", 'concurrency = "8"'),
        ("config", "concurrency = 8", "concurrency = 65"),
        ("config", "timeout = 2.5", "timeout = 0"),
        ("config", 'profile = "azure"', "profile = true"),
        ("config", 'select = "chat"', "select = [1]"),
        ("config", "max-requests = 10", 'fail-on = "may"'),
    ],
)
def test_planted_errors_are_refused_by_both(name: str, old: str, new: str, tmp_path: Path) -> None:
    text = GOOD[name].replace(old, new, 1)
    assert text != GOOD[name]
    assert not takes(name, text, tmp_path)
    assert problems(name, value_of(name, text))


def changed(value: Any) -> Iterator[Any]:
    """The value with each part of it left out, or replaced by other scalars."""
    for path in _paths(value):
        for new in (..., None, "x", "", 7, 1.5):
            copied = copy.deepcopy(value)
            inner = copied
            for step in path[:-1]:
                inner = inner[step]
            if new is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = new
            yield copied


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for step, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from _paths(inner, (*path, step))


@pytest.mark.parametrize("name", [name for name in GOOD if name != "config"])
def test_no_schema_refuses_what_the_kit_reads(name: str, tmp_path: Path) -> None:
    compared = 0
    for value in changed(parse(GOOD[name])):
        if takes(name, json.dumps(value), tmp_path):
            assert problems(name, value) == [], value
            compared += 1
    assert compared > 15


# -- the command, and what editors find


@pytest.mark.parametrize("name", KINDS)
def test_the_command_prints_each_schema(name: str) -> None:
    done = contract("schema", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == validator(name).schema


def test_the_same_schema_of_scripts_is_printed_by_both_commands() -> None:
    assert KINDS["scripts"].schema() == commands.schema()
    assert json.loads(Path(report_files.__file__).with_name("schema.json").read_text()) == KINDS["report"].schema()


def test_the_catalogue_has_narrow_names_and_a_file_for_each(tmp_path: Path) -> None:
    assert contract("schema", "--out", str(tmp_path)).returncode == 0
    listed = json.loads(contract("schema", CATALOG).stdout)
    assert listed == catalog()
    assert {entry["url"] for entry in listed["schemas"]} == {path.name for path in tmp_path.iterdir()}
    patterns = [pattern for entry in listed["schemas"] for pattern in entry["fileMatch"]]
    assert len(set(patterns)) == len(patterns)
    for pattern in patterns:
        assert re.fullmatch(r"(\*\.)?(fake-server|openai-[a-z-]+)\.(yaml|yml|toml|json)", pattern), pattern


def test_a_file_that_is_written_names_a_schema_beside_or_above_it(tmp_path: Path) -> None:
    known = fixture.load(FIXTURES[0])
    (tmp_path / ".git").mkdir()
    below = tmp_path / "fixtures" / "recordings"
    fixture.save(known, below / "a.yaml")
    bare = (below / "a.yaml").read_text(encoding="utf-8")
    assert "yaml-language-server" not in bare
    assert contract("schema", "fixture", "--out", str(tmp_path)).returncode == 0
    fixture.save(known, below / "a.yaml")
    first, second, rest = (below / "a.yaml").read_text(encoding="utf-8").split("\n", 2)
    assert second == "# yaml-language-server: $schema=../../openai-contract-fixture.schema.json"
    assert f"{first}\n{rest}" == bare
    assert (below / second.rpartition("=")[2]).is_file()
    assert fixture.is_fixture(below / "a.yaml")
    assert fixture.load(below / "a.yaml").exchange == known.exchange.but(label="a")
    baseline = as_yaml(NewBaseline((), ()), path=tmp_path / "known.yaml")
    assert "yaml-language-server" not in baseline
    assert contract("schema", "--out", str(tmp_path)).returncode == 0
    text = as_yaml(NewBaseline((), ()), path=tmp_path / "known.yaml")
    assert text == f"# yaml-language-server: $schema=openai-contract-baseline.schema.json\n{baseline}"
    (tmp_path / "known.yaml").write_text(text, encoding="utf-8")
    assert load_baseline(tmp_path / "known.yaml").entries == ()


def test_a_schema_above_the_repository_is_not_named(tmp_path: Path) -> None:
    (tmp_path / file_name("fixture")).write_text("{}")
    (tmp_path / "project" / ".git").mkdir(parents=True)
    assert line_for_editors("fixture", tmp_path / "project" / "a.yaml") == ""
    assert line_for_editors("fixture", tmp_path / "other" / "a.yaml").endswith(
        "=../openai-contract-fixture.schema.json\n"
    )
