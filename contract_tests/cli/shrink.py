"""`contract shrink FIXTURE`: reduces an exchange to its fault, as a fixture and an issue text."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from time import monotonic

import click

from contract_tests.cli import completion
from contract_tests.cli.shared_options import console, output_file, write
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import Recording
from contract_tests.report.findings import count, format_finding
from contract_tests.report.terminal import Terminal
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Rule, judge
from contract_tests.rules.judged import Judged
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import UsageError
from contract_tests.shrinking.issue import IssueContent, format_issue
from contract_tests.shrinking.oracle import run_main
from contract_tests.shrinking.shrink import SECONDS, ShrinkResult, measure, shrink_judged
from contract_tests.shrinking.title import format_title
from contract_tests.shrinking.visible import wrap_markdown
from contract_tests.target.main_program import MainOutcome
from fake_server.command_line import Number
from fake_server.relay.redact import OutOfTime, Unreadable, known_values, redact, redacting_until
from fake_server.relay.saving import SaveError, save_recording
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request
from fake_server.wire.fixture import Fixture
from fake_server.wire.text import did_you_mean

MARGIN = 10.0
"""Seconds beside those of --seconds for what is done before the search, and after it."""
INLINE = 4096
"""Bytes of a body that stands in the fixture itself, so that an issue can hold all of it."""


@click.command("shrink")
@click.argument("path", metavar="FIXTURE", type=click.Path(path_type=Path))
@click.option("--rule", "rule_id", metavar="ID", shell_complete=completion.RULE, help="Keep this rule broken.")
@click.option("--main", "by_main", is_flag=True, help="Keep main() failing the same way.")
@click.option(
    "--id", "label", metavar="ID", help="Recording in a .jsonl file; the first that breaks the rule if omitted."
)
@output_file("--out", text="Fixture to write; a new RULE.yaml in the current folder if omitted.")
@output_file("--issue", "issue_file", text="File for the issue text; printed if omitted.")
@click.option("--title", metavar="TEXT", help="Title of the fixture and the issue; generated if omitted.")
@click.option(
    "--seconds",
    default=SECONDS,
    type=Number(0.1),
    help="Time limit for the search; before and after it, as long and 10 s.",
)
def shrink_command(
    path: Path,
    rule_id: str | None,
    by_main: bool,
    label: str | None,
    out: Path | None,
    issue_file: Path | None,
    title: str | None,
    seconds: float,
) -> int:
    """Reduce a recording to what still breaks a rule.

    FIXTURE may be a .jsonl file, in which --id or --rule chooses a recording. Writes the reduced fixture and the
    text of an issue.
    """
    if by_main and rule_id:
        raise UsageError("--main and --rule exclude each other; use one of them")
    rule = _find_rule(rule_id) if rule_id else None
    limit = _Limit(path, seconds)
    recording = _choose_recording(path, label, rule, by_main, limit)
    original = Judged(_redact(path, recording.exchange, limit), limit.is_late)
    terminal = Terminal(console())
    if not by_main:
        rule = rule or _only_broken_rule(path, original)
        if rule is None or rule.id not in original.ids():
            limit.check(original)
            terminal.print(_explain_nothing_to_shrink(path, rule, original.ids()))
            return int(ExitCode.FINDINGS)
    target = out or _new_file(f"{rule.id if rule else 'main'}.yaml")
    if out is None:
        terminal.print(f"writes    {target.absolute()}: --out names no other file\n")
    try:
        result = shrink_judged(original, rule, seconds=seconds)
    except ValueError as error:
        terminal.print(f"{path}: {error}")
        return int(ExitCode.FINDINGS)
    _print_sizes(terminal, result)
    limit = _Limit(path, seconds)
    reduced = Judged(result.after, limit.is_late)
    outcome = run_main(original.exchange) if original.view.endpoint == "chat" else None
    known = _load_fixture(path)
    names_fault = known.title and rule is not None and rule.id in known.breaks
    heading = title or format_title(reduced, rule, outcome, original.view)
    source, reduction = known.source or _source(path, recording), _format_reduction(result)
    made = Fixture(
        result.after,
        title or (known.title if names_fault else heading),
        _sort_rules(reduced.ids(), rule),
        source,
        reduction,
    )
    _save(made, target, recording.exchange, limit)
    saved = fixture.load(target)  # saving redacts the title and the source
    heading = saved.title if title else heading
    content = IssueContent(reduced, target, rule, outcome, heading, saved.source, reduction, original.exchange)
    _print_result(terminal, content, issue_file)
    return int(ExitCode.OK)


class _Limit:
    """The time for what is done before the search, or after it: as long as the search has, and MARGIN."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self.deadline = monotonic() + seconds + MARGIN

    def is_late(self) -> bool:
        return monotonic() > self.deadline

    def error(self, what: str) -> UsageError:
        """What to say of what is too large for the time."""
        longer = f"give the search more than its {self._seconds:g} s with --seconds, and this has more as well"
        return UsageError(f"{self._path}: {what}, could not be judged and cleaned of secrets in time; {longer}")

    def check(self, judged: Judged) -> None:
        """Raises UsageError where an exchange was not judged to its end in time."""
        if judged.judgement.left_out and self.is_late():
            raise self.error(_size(judged.exchange))


def _size(exchange: Exchange) -> str:
    sizes = len(exchange.request.body) + len(exchange.payload) + sum(len(read.data) for read in exchange.raw)
    return count(sizes, "byte")


# -- which exchange, which rule


def _find_rule(rule_id: str) -> Rule:
    if rule_id not in RULES:
        hint = did_you_mean(rule_id, RULES, "`contract rules` lists them", 3)
        raise UsageError(f"no rule is called {rule_id!r}; {hint}")
    if RULES[rule_id].relation:
        raise UsageError(f"{rule_id} compares several exchanges of a case; shrink works on one exchange")
    return RULES[rule_id]


def _choose_recording(path: Path, label: str | None, rule: Rule | None, by_main: bool, limit: _Limit) -> Recording:
    """The recording to shrink. Raises UsageError, InputError."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a fixture or a .jsonl file in it")
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
        hint = "choose one with --id" if by_main else "choose a rule with --rule, or a recording with --id"
        raise UsageError(f"{path} holds several recordings; {hint}")
    for recording in recordings:
        judged = Judged(recording.exchange, limit.is_late)
        # The rule alone first, because most recordings keep it; then with the rules that may silence it.
        if rule.id in judge((rule,), judged.view).ids() and rule.id in judged.ids():
            return recording
        limit.check(judged)
    raise UsageError(f"{path}: no recording breaks {rule.id}; `contract judge {path}` shows what they break")


def _redact(path: Path, exchange: Exchange, limit: _Limit) -> Exchange:
    """The exchange as it would be saved, so that nothing printed about it holds a secret."""
    try:
        with redacting_until(limit.deadline):
            return redact(exchange).exchange
    except Unreadable as error:
        raise UsageError(f"{path}: {error}") from error
    except OutOfTime:
        raise limit.error(_size(exchange)) from None


def _only_broken_rule(path: Path, original: Judged) -> Rule | None:
    """The rule that is broken, None if none is. Raises UsageError if several are."""
    broken = {finding.rule.id: finding.rule for finding in original.findings}
    if len(broken) > 1:
        names = ", ".join(f"{rule.id} ({rule.level})" for rule in broken.values())
        raise UsageError(f"{path} breaks {count(len(broken), 'rule')}; choose one with --rule: {names}")
    return next(iter(broken.values()), None)


def _explain_nothing_to_shrink(path: Path, rule: Rule | None, broken: set[str]) -> str:
    others = f"it breaks {', '.join(sorted(broken))}" if broken else "it breaks no rule"
    return f"{path} does not break {rule.id}; {others}" if rule else f"{path}: {others}"


# -- the result


def _load_fixture(path: Path) -> Fixture:
    """The fixture with its title and source; an empty one for other recordings."""
    empty = Fixture(Exchange(Request("GET", "/"), None))
    return fixture.load(path) if fixture.is_fixture(path) else empty


def _source(path: Path, recording: Recording) -> str:
    """Where the recording was seen, according to its file; else the file and the recording's id."""
    if recording.source or fixture.is_fixture(path):
        return recording.source
    return ", ".join(filter(None, (path.name, recording.exchange.label)))


def _sort_rules(rule_ids: set[str], rule: Rule | None) -> tuple[str, ...]:
    """The rule that was asked for, then the others by name."""
    return tuple(sorted(rule_ids, key=lambda rule_id: (rule is None or rule_id != rule.id, rule_id)))


def _format_reduction(result: ShrinkResult) -> str:
    """'Reduced from 502 events and 31,250 bytes to 2 events and 410 bytes'; '' if the body is unchanged."""
    before, after = measure(result.before), measure(result.after)
    if before["body bytes"] == after["body bytes"]:
        return ""
    if before["events"]:
        sizes = [
            f"{count(size['events'], 'event')} and {count(size['body bytes'], 'byte')}" for size in (before, after)
        ]
        return f"Reduced from {sizes[0]} to {sizes[1]}"
    return f"Reduced from {count(before['body bytes'], 'byte')} of body to {after['body bytes']:,}"


def _new_file(name: str) -> Path:
    """A file in the current folder. Raises UsageError where it exists: nobody named it."""
    if Path(name).exists() or Path(name).is_symlink():
        raise UsageError(f"{Path(name).absolute()} exists; name the fixture to write with --out")
    return Path(name)


def _save(made: Fixture, path: Path, recorded: Exchange, limit: _Limit) -> None:
    try:
        with redacting_until(limit.deadline):
            save_recording(made, path, secrets=known_values(recorded), inline=INLINE)
    except SaveError as error:
        raise click.ClickException(str(error)) from error
    except OutOfTime:
        raise limit.error(f"the smallest found, {_size(made.exchange)}") from None


def _print_sizes(terminal: Terminal, result: ShrinkResult) -> None:
    after = measure(result.after)
    for name, number in measure(result.before).items():
        if number or after[name]:
            terminal.print(f"{name:24}{number:>9,} → {after[name]:,}")
    end = "nothing more can be removed" if result.finished else "stopped by --seconds; it may not be minimal"
    terminal.print(f"{'candidates tried':24}{result.calls:>9,} in {result.seconds:.1f} s; {end}\n")


def _format_main(outcome: MainOutcome) -> str:
    if not outcome.code:
        return "reads the whole recording without failing"
    return f"fails on the whole recording, exit code {outcome.code}: {outcome.line}"


def _print_result(terminal: Terminal, content: IssueContent, issue_file: Path | None) -> None:
    text, rule = format_issue(content, terminal.secrets), content.rule
    if content.finding:
        terminal.print(format_finding(content.finding, title=content.title, width=terminal.console.width))
    if content.outcome:
        terminal.print(f"main()    {_format_main(content.outcome)}")
    if issue_file is None:
        shown = text if terminal.keeps_lines else wrap_markdown(text, terminal.console.width)
        terminal.print(f"\n{shown}", whole=True)
    terminal.print(f"written   {content.fixture}")
    if issue_file is not None:
        terminal.print(f"written   {write(issue_file, text)}")
    others = sorted(content.judged.ids() - ({rule.id} if rule else set()))
    also = f"; it also breaks {', '.join(others)}" if others and rule else ""
    fails = f"breaks {rule.id}" if rule else "makes main() fail the same way"
    terminal.print(f"SHRUNK  {content.fixture} still {fails}{also} (exit code 0)", "bold green")
