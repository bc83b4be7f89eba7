"""The forms of a report: each a pure function of a document, in a file of its own; this is the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contract_tests.report.document import Document
from contract_tests.report.exchanges import format_json
from contract_tests.report.forms.badge import format_badge, format_shields
from contract_tests.report.forms.junit import format_junit
from contract_tests.report.forms.markdown import format_markdown
from contract_tests.report.forms.sarif import format_sarif
from contract_tests.report.html.page import format_html


@dataclass(frozen=True)
class Form:
    """A form of a report: the option that asks for it takes the file to write, `text` is its help.

    `format` makes the text of the file. `runs_only`: it is about cases, which a judgement does not have.
    """

    option: str
    text: str
    format: Callable[[Document], str]
    runs_only: bool = False


FORMS: Mapping[str, Form] = {
    form.option: form
    for form in (
        Form("--json", "Write a JSON report to this file.", format_json),
        Form("--html", "Write an HTML page to this file, which needs nothing else to be read.", format_html),
        Form("--junit", "Write a JUnit report to this file.", format_junit, runs_only=True),
        Form("--sarif", "Write SARIF 2.1.0 for code scanning to this file.", format_sarif),
        Form("--markdown", "Write Markdown for a pull request to this file.", format_markdown),
        Form("--badge", "Write a badge, an SVG image, to this file.", format_badge),
        Form("--shields", "Write the JSON of a badge for shields.io's endpoint to this file.", format_shields),
    )
}
"""Every form by its option, in the order of the help."""
