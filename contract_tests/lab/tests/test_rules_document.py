"""Every rule is explained: why it matters, what keeps it, what breaks it; RULES.md is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from contract_tests.cli.rules import explain_command
from contract_tests.lab.pages import rules_page
from contract_tests.report.examples import find_broken, find_conforming
from contract_tests.report.traces import build_trace, find_example, load_entries
from contract_tests.rules import RULES, judge_trace
from contract_tests.rules.engine.judge import Rule
from fake_server.wire import fixture

RELATIONS = [rule.id for rule in RULES.values() if rule.relation]
OVER_ONE = [rule for rule in RULES.values() if not rule.relation]


def explained(rule_id: str) -> list[str]:
    done = CliRunner().invoke(explain_command, [rule_id], standalone_mode=False)
    assert done.exception is None
    return done.output.splitlines()


@pytest.mark.parametrize("path", rules_page.pages(), ids=lambda path: path.name)
def test_a_page_is_what_the_rules_make(path: Path) -> None:
    assert path.read_text("utf-8") == rules_page.pages()[path], "out of date: make rules"


def test_every_rule_says_why_and_has_examples() -> None:
    assert list(rules_page.lacking()) == []


def test_every_rule_about_several_exchanges_has_an_example() -> None:
    assert set(load_entries()) == set(RELATIONS)


@pytest.mark.parametrize("name", RELATIONS)
def test_an_example_of_several_exchanges_keeps_or_breaks_its_rule_alone(name: str) -> None:
    kept = judge_trace(build_trace(name, "kept"))
    assert name in kept.applied
    assert not kept.findings
    assert judge_trace(build_trace(name, "broken")).ids() == {name}
    example = find_example(RULES[name])
    assert example is not None
    assert example.complaint


@pytest.mark.parametrize("rule", OVER_ONE, ids=lambda rule: rule.id)
def test_the_examples_of_a_rule_are_fixtures_with_their_place(rule: Rule) -> None:
    kept, broken = find_conforming(rule), find_broken(rule)
    assert kept is not None
    assert broken is not None
    assert broken.complaint
    for excerpt in (kept, broken):
        assert excerpt.lines
        assert not any("\n" in line for line in excerpt.lines)
        if excerpt.column is not None:
            assert excerpt.column <= len(excerpt.lines[-1])


def test_a_finding_is_marked_at_its_first_character() -> None:
    lines = explained("tools.arguments")
    mark = next(place for place, line in enumerate(lines) if '^ {"city"' in line)
    assert lines[mark - 1][lines[mark].index("^") :].startswith('{"city":"Oslo"}')
    kept = next(place for place, line in enumerate(lines) if line.strip() == "^")
    assert lines[kept - 1][lines[kept].index("^") :].startswith(r'"{\"city\": \"Oslo\"}"')


def test_the_place_in_a_stream_is_that_of_the_chunk_most_like_it() -> None:
    lines = explained("usage.stream-no-choices")
    kept = next(place for place, line in enumerate(lines) if line.strip() == "^")
    assert lines[kept - 1][lines[kept].index("^") :].startswith('[],"usage":{')


def test_what_is_wrong_with_the_whole_reply_is_said_below_it() -> None:
    lines = explained("http.answers")
    assert lines[-2].strip() == "ended: cut"
    assert lines[-1].strip().startswith("→ ")


def test_a_case_is_shown_part_by_part() -> None:
    lines = explained("relations.same-text")
    assert [line.split(maxsplit=3)[:3] for line in lines[-5:-1:2]] == [["kept", "by", "dict"], ["broken", "by", "dict"]]
    assert [line.split()[0] for line in lines[-4::2]] == ["stream", "stream"]
    assert lines[-1].strip().startswith("→ ")


def test_a_rule_without_fixtures_has_no_example() -> None:
    rule = RULES["chat.id"]
    nameless = type(rule)("chat.no-such", rule.level, "", "", lambda view: (), rule.check)
    assert find_conforming(nameless) is None
    assert find_broken(nameless) is None
    assert find_example(nameless) is None


def test_signs_are_no_markup_outside_of_code() -> None:
    assert rules_page._plain("a_b *c* `x_y[0]` <t> [DONE]") == r"a\_b \*c\* `x_y[0]` \<t\> \[DONE\]"


def test_every_link_of_the_page_leads_somewhere() -> None:
    page = rules_page.document()
    targets = {part.partition(")")[0] for part in page.split("](")[1:]}
    for target in targets:
        if target.startswith("#"):
            assert f"## Section {target.removeprefix('#section-')}" in page.replace(".", "")
        else:
            assert (rules_page.PAGE.parent / target).exists()


def test_the_command_writes_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "RULES.md"
    monkeypatch.setattr(rules_page, "PAGE", page)
    monkeypatch.setattr(rules_page, "lacking", lambda: iter([("chat.id", "why")]))
    run = CliRunner().invoke
    stale = run(rules_page.main, ["--check"])
    assert stale.exit_code == 1
    assert "out of date: run make rules" in stale.output
    assert "written" in run(rules_page.main, ["--write"]).output
    assert "was up to date" in run(rules_page.main, ["--write"]).output
    checked = run(rules_page.main, ["--check"])
    assert checked.exit_code == 1
    assert "chat.id lacks why" in checked.output
    monkeypatch.setattr(rules_page, "lacking", lambda: iter([]))
    assert run(rules_page.main, ["--check"]).exit_code == 0
    assert "### chat.stream.done-last" in run(rules_page.main, []).output


def test_fixtures_are_titled() -> None:
    """Their titles stand in the page and in what `contract explain` shows."""
    assert all(fixture.load(excerpt.path).title for rule in OVER_ONE if (excerpt := find_broken(rule)))
