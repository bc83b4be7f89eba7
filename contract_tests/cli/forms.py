"""The options for the forms of a report, the same for every command that has one, and how the files are written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from contract_tests.cli.shared_options import Function, output_file, write
from contract_tests.report.document import Document
from contract_tests.report.forms import FORMS, Form

Outputs = Mapping[str, Path]
"""The forms to write, by option, and the file for each."""


def _name(form: Form) -> str:
    return f"{form.option.removeprefix('--')}_file"


RUNS_ONLY = tuple(_name(form) for form in FORMS.values() if form.runs_only)
"""The parameters of the forms that need cases."""


def form_options(*leave_out: str, runs: bool = True) -> Callable[[Function], Function]:
    """Add an option for each form; the command gets `outputs`. `runs`: its documents have cases."""
    forms = [form for form in FORMS.values() if form.option not in leave_out and (runs or not form.runs_only)]

    def add(function: Function) -> Function:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            chosen = {form.option: given.pop(_name(form)) for form in forms}
            outputs = {option: path for option, path in chosen.items() if path is not None}
            _require_different_files(outputs)
            return function(outputs=outputs, **given)

        decorated: Any = command
        for form in reversed(forms):
            decorated = output_file(form.option, _name(form), text=form.text)(decorated)
        return decorated  # type: ignore[no-any-return]

    return add


def _require_different_files(outputs: Outputs) -> None:
    """Raise click.UsageError if two forms are to be written to one file."""
    options: dict[Path, str] = {}
    for option, path in outputs.items():
        other = options.setdefault(path.absolute(), option)
        if other != option and path.is_file() | (not path.exists()):
            raise click.UsageError(f"{other} and {option} name the same file, {path}; give each its own")


def write_forms(outputs: Outputs, make_document: Callable[[], Document]) -> tuple[list[Path], list[str]]:
    """Write each form; returns the files that were written, and why others were not."""
    written: list[Path] = []
    failed: list[str] = []
    if outputs:
        document = make_document()
        for option, path in outputs.items():
            try:
                written.append(write(path, FORMS[option].format(document)))
            except click.ClickException as error:
                failed.append(error.message)
    return written, failed
