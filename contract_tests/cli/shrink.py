"""`contract shrink FIXTURE`: the smallest exchange with the same fault, as a fixture and an issue text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

import click

from contract_tests.cli.shared_options import console, writable, write
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import Recording
from contract_tests.report.findings import count, format_finding
from contract_tests.report.terminal import Terminal
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Rule
from contract_tests.rules.engine.judge import judge as judge_by
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import UsageError
from contract_tests.shrinking.issue import Story, issue, title_of
from contract_tests.shrinking.main_oracle import run_main
from contract_tests.shrinking.size import size_of
from contract_tests.shrinking.work import SECONDS, Shrunk, shrink_main, shrink_rule
from fake_server.command_line import Number
from fake_server.relay.redact import Unreadable, known_values, redact
from fake_server.relay.saving import SaveError, save_recording
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request
from fake_server.wire.fixture import Fixture
from fake_server.wire.text import did_you_mean


@click.command("shrink")
@click.argument("path", metavar="FIXTURE", type=click.Path(path_type=Path))
@click.option("--rule", "rule_id", metavar="ID", help="The rule that is to stay broken.")
@click.option("--main", "by_main", is_flag=True, help="What is to stay: main() fails the same way.")
@click.option(
    "--id", "label", metavar="ID", help="Which recording of a .jsonl file; else the first that fails."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=writable,
    help="The fixture to write; else RULE.yaml in this folder.",
)
@click.option(
    "--issue",
    "issue_file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=writable,
    help="The issue text to write; else it is printed.",
)
@click.option("--title", default="", help="Title of the fixture and the issue.")
@click.option("--seconds", default=SECONDS, type=Number(0.1), help="Time for the search.")
def shrink_command(
    path: Path,
    rule_id: str | None,
    by_main: bool,
    label: str | None,
    out: Path | None,
    issue_file: Path | None,
    title: str,
    seconds: float,
) -> int:
    """Reduce the exchange of FIXTURE (or of one recording of a .jsonl file) to what still breaks a rule."""
    if by_main and rule_id:
        raise UsageError("--main and --rule are two questions; ask one")
    rule = _rule(rule_id) if rule_id else None
    recording = _chosen(path, label, rule, by_main)
    exchange = _clean(path, recording.exchange)
    terminal = Terminal(console())
    if not by_main:
        found = judge(exchange).ids()
        rule = rule or _only_one(path, exchange)
        if rule is None or rule.id not in found:
            terminal.say(_kept(path, rule, found))
            return int(ExitCode.FINDINGS)
    try:
        shrunk = (
            shrink_rule(exchange, rule, seconds=seconds) if rule else shrink_main(exchange, seconds=seconds)
        )
    except ValueError as error:
        terminal.say(f"{path}: {error}")
        return int(ExitCode.FINDINGS)
    _sizes(terminal, shrunk)
    after = shrunk.after
    outcome = run_main(exchange) if View(exchange).endpoint == "chat" else None
    known = _known(path)
    if not title:
        tells = known.title and rule is not None and rule.id in known.breaks
        title = known.title if tells else title_of(after, rule, outcome)
    made = Fixture(
        after, title, _breaks(after, rule), known.source or _source(path, recording), _history(shrunk)
    )
    target = out or Path(f"{rule.id if rule else 'main'}.yaml")
    _keep(made, target, known_values(recording.exchange))
    saved = fixture.load(target)
    story = Story(saved.exchange, target, rule, outcome, saved.title, saved.source, _history(shrunk))
    _tell(terminal, story, issue_file)
    return int(ExitCode.OK)


# -- which exchange, which rule


def _rule(rule_id: str) -> Rule:
    if rule_id not in RULES:
        hint = did_you_mean(rule_id, RULES, "`contract rules` lists them", 3)
        raise UsageError(f"no rule is called {rule_id!r}; {hint}")
    if RULES[rule_id].relation:
        raise UsageError(f"{rule_id} compares several exchanges of one case; shrink works on one exchange")
    return RULES[rule_id]


def _chosen(path: Path, label: str | None, rule: Rule | None, by_main: bool) -> Recording:
    """The recording to shrink. Raises UsageError, InputError."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name one fixture or .jsonl file in it")
    rest = read(path)
    first = list(islice(rest, 2))
    if len(first) == 1 and label is None and (rule is None or fixture.is_fixture(path)):
        return first[0]
    recordings = chain(first, rest)
    if label is not None:
        for recording in recordings:
            if recording.exchange.label == label:
                return recording
        raise UsageError(f"{path}: no recording has the id {label!r}")
    if rule is None:
        what = "the recording" if by_main else "--rule, or the recording"
        raise UsageError(f"{path} holds many recordings; name {what} with --id")
    for recording in recordings:
        exchange = recording.exchange
        if rule.id in judge_by((rule,), exchange).ids() and rule.id in judge(exchange).ids():
            return recording
    raise UsageError(f"{path}: no recording breaks {rule.id}; `contract judge {path}` says what they break")


def _clean(path: Path, exchange: Exchange) -> Exchange:
    """The exchange as it could be saved, so that nothing that is told of it holds a secret."""
    try:
        return redact(exchange).exchange
    except Unreadable as error:
        raise UsageError(f"{path}: {error}") from error


def _only_one(path: Path, exchange: Exchange) -> Rule | None:
    """The rule that is broken, None where none is. Raises UsageError where there are several."""
    found = {one.rule.id: one.rule for one in judge(exchange).findings}
    if len(found) > 1:
        names = ", ".join(f"{rule.id} ({rule.level})" for rule in found.values())
        raise UsageError(f"{path} breaks {count(len(found), 'rule')}; name one with --rule: {names}")
    return next(iter(found.values()), None)


def _kept(path: Path, rule: Rule | None, found: set[str]) -> str:
    """Why there is nothing to shrink."""
    others = f"it breaks {', '.join(sorted(found))}" if found else "it breaks no rule at all"
    return f"{path} does not break {rule.id}; {others}" if rule else f"{path}: {others}"


# -- what came of it


def _known(path: Path) -> Fixture:
    """What the fixture says of itself; nothing for other recordings."""
    nothing = Fixture(Exchange(Request("GET", "/"), None))
    return fixture.load(path) if fixture.is_fixture(path) else nothing


def _source(path: Path, recording: Recording) -> str:
    """Where the recording was seen, as its file says it, else its name in the file."""
    if recording.source or fixture.is_fixture(path):
        return recording.source
    return ", ".join(filter(None, (path.name, recording.exchange.label)))


def _breaks(exchange: Exchange, rule: Rule | None) -> tuple[str, ...]:
    """What is still broken, the rule that was asked for first."""
    found = judge(exchange).ids()
    return tuple(sorted(found, key=lambda name: (rule is None or name != rule.id, name)))


def _history(shrunk: Shrunk) -> str:
    before, after = size_of(shrunk.before), size_of(shrunk.after)
    if before.body == after.body:
        return ""
    if before.events:
        left = f"{count(after.events, 'event')} and {count(after.body, 'byte')} are left"
        return f"Of {count(before.events, 'event')} and {count(before.body, 'byte')} {left}"
    return f"Of {count(before.body, 'byte')} of body {after.body:,} are left"


def _keep(made: Fixture, path: Path, secrets: Iterable[str]) -> None:
    try:
        save_recording(made, path, secrets=secrets)
    except SaveError as error:
        raise click.ClickException(str(error)) from error


def _sizes(terminal: Terminal, shrunk: Shrunk) -> None:
    for name, before, after in size_of(shrunk.before).rows(size_of(shrunk.after)):
        terminal.say(f"{name:24}{before:>9,} → {after:,}")
    how = "nothing more can be left out" if shrunk.finished else "stopped by --seconds: it could be smaller"
    terminal.say(f"{'candidates tried':24}{shrunk.calls:>9,} in {shrunk.seconds:.1f} s; {how}\n")


def _tell(terminal: Terminal, story: Story, issue_file: Path | None) -> None:
    text, rule = issue(story), story.rule
    findings = [one for one in judge(story.exchange).findings if rule is None or one.rule.id == rule.id]
    if findings:
        terminal.say(format_finding(findings[0], title=story.title))
    if story.outcome:
        line = f": {story.outcome.line}" if story.outcome.line else ""
        terminal.say(f"main()    on the whole recording: exit code {story.outcome.code}{line}")
    if issue_file is None:
        terminal.say(f"\n{text}")
    terminal.say(f"written   {story.fixture}")
    if issue_file is not None:
        terminal.say(f"written   {write(issue_file, text)}")
    others = sorted(judge(story.exchange).ids() - ({rule.id} if rule else set()))
    also = f"; it also breaks {', '.join(others)}" if others and rule else ""
    fails = f"breaks {rule.id}" if rule else "makes main() fail the same way"
    terminal.say(f"SHRUNK  {story.fixture} still {fails}{also} (exit code 0)", "bold green")
