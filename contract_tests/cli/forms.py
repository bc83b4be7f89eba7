"""The options for the forms of a report, the same for every command that has one, and how the files are written."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.failures import CANNOT_BE_JUDGED, describe_failure, remove, secrets_given
from contract_tests.cli.shared_options import Function, output_file, write
from contract_tests.recordings.judging import Summary
from contract_tests.report.document import Document
from contract_tests.report.files import judgement_document, run_document
from contract_tests.report.forms import FORMS, Form
from contract_tests.report.forms.annotations import format_annotations
from contract_tests.report.forms.markdown import format_markdown
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import ExitCode, RunReport
from contract_tests.run.run import Options
from fake_server import ending
from fake_server.job_log import print_commands

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
PRIVATE = "_CONTRACT_PRIVATE_REPORT"
"""The variable that names the report which another command reads and removes, so that nobody is to hear of it."""


@dataclass
class Outputs:
    """The forms to write, by option, with the file for each; what a job of GitHub Actions is to see.

    `written` tells that the files are those of this command, be it that one could not be written.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    annotations: bool = False
    step_summary: Path | None = None
    written: bool = False

    def __bool__(self) -> bool:
        return bool(self.files or self.annotations or self.step_summary)


@dataclass
class Written:
    """The files that were written, why others were not, and the annotations to print."""

    files: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    annotations: str = ""

    def report(self, terminal: Terminal) -> None:
        """Print the annotations and the files. What is printed stands in front of the verdict, which is the last."""
        if self.annotations:  # of a document, so masked; wrapped, a line would be no annotation
            print_commands(self.annotations)
        shown = [str(path) for path in self.files if str(path) != os.environ.get(PRIVATE)]
        if shown:
            terminal.print(f"written   {', '.join(shown)}")

    def raise_failures(self) -> None:
        """Raise click.ClickException where a file could not be written."""
        if self.failed:
            raise click.ClickException("; ".join(self.failed))


def _name(form: Form) -> str:
    return f"{form.option.removeprefix('--')}_file"


RUNS_ONLY = tuple(_name(form) for form in FORMS.values() if form.runs_only)
"""The parameters of the forms that need cases."""


def _find_step_summary(context: click.Context, parameter: click.Parameter, value: bool) -> Path | None:
    """The file that GitHub shows as the summary of the step. Raises click.BadParameter outside of a job."""
    if not value:
        return None
    if not os.environ.get(STEP_SUMMARY):
        raise click.BadParameter(f"${STEP_SUMMARY} is not set, as in jobs of GitHub Actions; use --markdown FILE")
    return Path(os.environ[STEP_SUMMARY])


_annotations = click.option("--annotations", is_flag=True, help="Print annotations for GitHub Actions.")
_step_summary = click.option(
    "--step-summary",
    is_flag=True,
    callback=_find_step_summary,
    help=f"Append Markdown to the file ${STEP_SUMMARY}.",
)


def form_options(*leave_out: str, runs: bool = True) -> Callable[[Function], Function]:
    """Add an option for each form; the command gets `outputs`. `runs`: its documents have cases."""
    forms = [form for form in FORMS.values() if form.option not in leave_out and (runs or not form.runs_only)]

    def add(function: Function) -> Function:
        @functools.wraps(function)
        def command(*, annotations: bool, step_summary: Path | None, **given: Any) -> Any:
            chosen = {form.option: given.pop(_name(form)) for form in forms}
            outputs = Outputs({option: path for option, path in chosen.items() if path}, annotations, step_summary)
            _require_different_files(outputs.files)
            try:
                return function(outputs=outputs, **given)
            except (Exception, KeyboardInterrupt) as error:
                if outputs and not outputs.written:
                    _write_not_judged(outputs, error, given, runs)
                raise

        decorated: Any = _step_summary(_annotations(command))
        for form in reversed(forms):
            decorated = output_file(form.option, _name(form), text=form.text)(decorated)
        return decorated  # type: ignore[no-any-return]

    return add


def _write_not_judged(outputs: Outputs, error: BaseException, given: Mapping[str, Any], runs: bool) -> None:
    """Write each form without a verdict, because the command failed: what an earlier run left would be taken for this.

    What cannot be written is removed. A mistake in the words of the command makes no new file.
    """
    reason, exit_code = describe_failure(error)
    reason = reason.removeprefix(CANNOT_BE_JUDGED)
    if exit_code == ExitCode.USAGE:
        outputs = Outputs({option: path for option, path in outputs.files.items() if path.exists()})
    code = ExitCode(exit_code) if exit_code in list(ExitCode) else ExitCode.UNREACHABLE
    stopped = " ".join(reason.split())
    secrets = secrets_given()
    if runs:
        began = datetime.now(UTC).isoformat(timespec="seconds")
        target = str(given.get("target") or given.get("path") or "no target")
        secrets += Options(target).secrets
        document = run_document(RunReport(target, "not known", (), stopped=stopped, started=began), code, secrets)
    else:
        document = judgement_document(Summary(), code, secrets=secrets, stopped=stopped)
    with ending.held():
        try:
            written = write_forms(outputs, lambda: document)
        except Exception:  # the error that is on its way says more
            written = Written()
        for path in set(outputs.files.values()).difference(written.files):
            remove(path)
    if written.annotations:
        print_commands(written.annotations)


def _require_different_files(files: Mapping[str, Path]) -> None:
    """Raise click.UsageError if two forms are to be written to one file."""
    options: dict[Path, str] = {}
    for option, path in files.items():
        other = options.setdefault(path.absolute(), option)
        if other != option and (path.is_file() or not path.exists()):
            raise click.UsageError(f"{other} and {option} name the same file, {path}; give each its own")


def write_forms(outputs: Outputs, make_document: Callable[[], Document]) -> Written:
    """Write each form."""
    written = Written()
    if not outputs:
        return written
    document = make_document()
    for option, path in outputs.files.items():
        try:
            written.files.append(write(path, FORMS[option].format(document)))
        except click.ClickException as error:
            written.failed.append(error.message)
    outputs.written = True
    if outputs.annotations:
        written.annotations = format_annotations(document)
    if outputs.step_summary:
        try:
            with outputs.step_summary.open("a", encoding="utf-8") as file:
                file.write(format_markdown(document))
            written.files.append(outputs.step_summary)
        except OSError as error:
            written.failed.append(f"${STEP_SUMMARY}: {outputs.step_summary}: cannot be written: {error.strerror}")
    return written
