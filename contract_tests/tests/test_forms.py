"""Every form of a report: golden, safe from what a target says, quick and bounded with many findings."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from markdown_it import MarkdownIt

from contract_tests.report.document import RUN, Document
from contract_tests.report.forms import FORMS, markdown, sarif
from contract_tests.report.forms.annotations import COMMANDS, MOST, format_annotations
from contract_tests.report.forms.junit import format_junit
from contract_tests.report.forms.markdown import format_markdown
from contract_tests.report.forms.parts import one_line
from contract_tests.report.forms.sarif import format_sarif
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.documents import made_up_document, of_hostile_texts, of_many_findings, of_recordings

GOLDEN = Path(__file__).parent / "golden" / "forms"
FILES = {
    "--json": "run.json",
    "--junit": "run.xml",
    "--sarif": "run.sarif",
    "--markdown": "run.md",
    "--badge": "run.svg",
    "--shields": "shields.json",
    "--annotations": "annotations.txt",
}
FORMATS = {**{option: form.format for option, form in FORMS.items()}, "--annotations": format_annotations}
RUN_DOCUMENT = made_up_document()
KINDS = {"a run": RUN_DOCUMENT, "a judgement": of_recordings(RUN_DOCUMENT)}
EVIL = "EVIL"
HOSTILE = {
    "the end of CDATA": "EVIL]]>EVIL",
    "tags": "EVIL</code></summary></details><script>alert(1)</script><img src=x onerror=alert(1)>EVIL",
    "an attribute": "EVIL\" onload=\"alert(1)' onclick='alert(1)EVIL",
    "a comment": "EVIL<!-- EVIL",
    "entities": "EVIL&lt;b&gt;&#64;EVIL&amp;",
    "a fence": "EVIL\n```\n# EVIL\n````\n~~~\nEVIL",
    "backticks": "`EVIL` ``EVIL`` ```EVIL`",
    "a heading": "\n\n# EVIL\n\nEVIL\n====\n\n- EVIL\n\n> EVIL",
    "a link": "EVIL [EVIL](https://evil.example) ![EVIL](https://evil.example/a.png) <https://evil.example>",
    "a reference": "[EVIL]: https://evil.example\n\n[EVIL]",
    "a mention": "@EVIL EVIL@evil.example #1 GH-1 EVIL/EVIL#1",
    "cells": "EVIL | EVIL \\| EVIL ||\n|EVIL|",
    "a backslash": "EVIL\\",
    "a command": "EVIL\n::error::EVIL\n::stop-commands::EVIL\r\n##[add-mask]EVIL",
    "an escaped command": "EVIL%0A::error::EVIL%0D%25",
    "a title": "EVIL,file=EVIL::EVIL",
    "colours": "EVIL\x1b[31mEVIL\x9b31m\x07\x00\x08EVIL",
    "directions": "EVIL\u202eEVIL\u2066EVIL\u200bEVIL\ufeff",
    "lines": "EVIL\u2028EVIL\u2029EVIL\x85EVIL\x0b\x0cEVIL",
    "no characters": "EVIL\ufffe\uffff\ud800EVIL",
    "placeholders": "EVIL{0} {{1}} {EVIL} ${{ secrets.EVIL }}",
    "nothing": "",
    "a space": " ",
    "much": "EVIL" * 3_000,
    "many lines": "EVIL\n" * 1_000,
}
hostile = pytest.mark.security("hostile targets")
every_text = pytest.mark.parametrize("name", HOSTILE)


@pytest.fixture(scope="module")
def many() -> Document:
    return of_many_findings(sarif.MOST + 500)


@cache
def evil(name: str, kind: str = "a run") -> Document:
    return of_hostile_texts(KINDS[kind], HOSTILE[name])


def forms_of(document: Document) -> dict[str, str]:
    """Every form that this document has."""
    listed = [option for option in FORMATS if document["format"] == RUN or option != "--junit"]
    return {option: FORMATS[option](document) for option in listed}


@pytest.mark.parametrize("option", [option for option in FORMATS if option != "--html"])  # test_html_page.py reads it
def test_every_form_is_golden(option: str) -> None:
    """CONTRACT_GOLDEN=write makes the files anew."""
    text, path = FORMATS[option](RUN_DOCUMENT), GOLDEN / FILES[option]
    if os.environ.get("CONTRACT_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@hostile
@pytest.mark.parametrize("kind", KINDS)
@every_text
def test_no_form_holds_a_character_that_acts(name: str, kind: str) -> None:
    for option, text in forms_of(evil(name, kind)).items():
        acting = {char for char in text if not char.isprintable() and char not in "\n"}
        assert not acting, option


@hostile
@every_text
def test_junit_is_xml_with_the_same_elements_whatever_a_target_says(name: str) -> None:
    def elements(document: Document) -> Counter[str]:
        return Counter(element.tag for element in ElementTree.fromstring(format_junit(document).encode()).iter())

    usual = elements(RUN_DOCUMENT)
    seen = elements(evil(name))  # cases of one section now: all are named alike
    assert set(seen) <= set(usual)
    assert seen["testcase"] == usual["testcase"]


@hostile
@pytest.mark.parametrize("kind", KINDS)
@every_text
def test_nothing_of_a_target_is_a_message_with_links_or_placeholders_in_sarif(name: str, kind: str) -> None:
    run = json.loads(format_sarif(evil(name, kind)))["runs"][0]
    texts = [result["message"]["text"] for result in run["results"]]
    texts += [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    for text in texts:
        assert not re.search(r"\]\(|(?<!\{)\{(?:\{\{)*(?!\{)", text)
        assert len(text) < 4_000
    for result in run["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
        assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"]


class Tags(HTMLParser):
    """The tags of a text, and the text that stands outside of <code>."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.outside = ""

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.tags |= {tag, *(f"{tag} {name}" for name, _ in attrs)}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.tags.add("a comment")

    def handle_data(self, data: str) -> None:
        self.outside += data if "code" not in self.open else ""


@hostile
@pytest.mark.parametrize("kind", KINDS)
@every_text
def test_nothing_of_a_target_is_read_as_markdown(name: str, kind: str) -> None:
    document = evil(name, kind)
    text, tags, links, headings = format_markdown(document), Tags(), 0, 0
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        headings += token.type == "heading_open"
        if token.type == "html_block":
            tags.feed(token.content)
        for inner in token.children or ():
            assert inner.type in ("text", "code_inline", "softbreak", "strong_open", "strong_close"), inner
            if inner.type == "text":
                assert EVIL not in inner.content
                assert "@" not in inner.content
    assert headings == 1
    assert tags.tags <= {"details", "summary", "b", "code"}
    assert not tags.open
    assert EVIL not in tags.outside
    assert len(text.encode()) < markdown.MOST_BYTES + 200
    rows = [line for line in text.split("\n") if line.startswith("| `")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (4, 5) for row in rows)
    assert links == 0


@hostile
@pytest.mark.parametrize("kind", KINDS)
@every_text
def test_every_annotation_is_one_command(name: str, kind: str) -> None:
    lines = format_annotations(evil(name, kind)).splitlines()
    assert lines
    for line in lines:
        found = re.fullmatch(r"::(error|warning|notice) title=([^:,]*)::(.*)", line)
        assert found, line
        assert "%" not in re.sub(r"%(25|0D|0A|3A|2C)", "", found[2] + found[3])
        assert len(line) < 5_000


@hostile
@every_text
def test_github_reads_of_an_annotation_what_the_target_said(name: str) -> None:
    text = format_annotations(evil(name))
    for escaped, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, char)
    said = HOSTILE[name].encode("utf-8", "replace").decode()
    assert f"Actual: {one_line(said)}".strip() in text


@hostile
@every_text
def test_a_badge_says_nothing_of_a_target(name: str) -> None:
    forms = forms_of(evil(name))
    usual = forms_of(RUN_DOCUMENT)
    assert EVIL not in forms["--badge"] + forms["--shields"]
    root = ElementTree.fromstring(forms["--badge"])
    tags = {element.tag.partition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "clipPath", "rect", "g", "text"}
    assert root[0].text == root.attrib["aria-label"]
    assert json.loads(forms["--shields"]).keys() == json.loads(usual["--shields"]).keys()


def test_of_each_level_ten_annotations_are_shown_and_the_rest_counted(many: Document) -> None:
    lines = format_annotations(many).splitlines()
    levels = Counter(line.partition(" ")[0] for line in lines)
    assert all(number <= MOST for number in levels.values())
    assert levels["::error"] == MOST
    shown = [
        int(number.replace(",", ""))
        for number in re.findall(r"::([\d,]+) MUST findings of \d+ more rules", "\n".join(lines))
    ]
    listed = sum(
        int(number) for line in lines if line.startswith("::error") for number in re.findall(r"In (\d+) cases", line)
    )
    assert listed + sum(shown) == many["summary"]["findings"]["MUST"]["findings"]


def test_short_forms_stay_short_with_many_findings(many: Document) -> None:
    assert len(format_markdown(many).encode()) < markdown.MOST_BYTES + 200
    assert len(FORMATS["--badge"](many)) < 2_000
    run = json.loads(format_sarif(many))["runs"][0]
    assert len(run["results"]) == sarif.MOST
    assert run["results"][0]["level"] == "error"
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes == ["500 findings had no room here; the JSON report has all."]


@pytest.mark.security("work of one request")
def test_the_work_of_a_form_grows_with_the_findings_alone() -> None:
    def seconds(number: int) -> float:
        document = of_many_findings(number)
        start = process_time()
        forms_of(document)
        return process_time() - start

    assert seconds(1_600) < 10 * seconds(400)


def test_junit_has_every_finding(many: Document) -> None:
    assert len(list(ElementTree.fromstring(format_junit(many).encode()).iter("testcase"))) == sarif.MOST + 500


def test_fingerprints_are_those_of_the_next_run() -> None:
    def prints(document: Document) -> list[str]:
        results = json.loads(format_sarif(document))["runs"][0]["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    later = made_up_document()
    assert later["format"] == RUN
    for case in later["cases"]:
        for finding in case["findings"]:
            finding["at"] |= {"event": 9, "byte": 9_999, "path": ["choices", 1, "delta"]}
            finding["actual"] = "another value"
    assert prints(later) == prints(RUN_DOCUMENT)
    assert len(set(prints(RUN_DOCUMENT))) == len(prints(RUN_DOCUMENT))


def test_a_result_is_where_the_exchange_was_saved_or_the_options_are() -> None:
    def places(document: Document) -> dict[str, tuple[str, int]]:
        found = {}
        for result in json.loads(format_sarif(document))["runs"][0]["results"]:
            (location,) = result["locations"]
            physical = location["physicalLocation"]
            uri, line = physical["artifactLocation"]["uri"], physical["region"]["startLine"]
            found[location["logicalLocations"][0]["name"]] = (uri, line)
        return found

    assert places(RUN_DOCUMENT)["chat.stream.n"] == ("recordings/chat.stream.n.yaml", 1)
    assert places(RUN_DOCUMENT)["chat.stream.poem"] == ("contract.toml", 1)
    without = made_up_document()
    assert without["format"] == RUN
    without["config"] = ""
    assert places(without)["chat.stream.poem"] == ("openai-contract/chat.stream.poem", 1)
    assert places(KINDS["a judgement"])["chat.stream.poem"] == ("a%20folder/shared.jsonl", 1)


def test_tolerated_findings_are_suppressed_results_with_the_reason() -> None:
    results = json.loads(format_sarif(RUN_DOCUMENT))["runs"][0]["results"]
    (suppressed,) = [result for result in results if "suppressions" in result]
    (suppression,) = suppressed["suppressions"]
    assert suppressed["ruleId"] == "usage.adds-up"
    assert suppression["justification"] == (
        "baseline known.yaml: reasoning tokens are counted twice (https://github.com/example/gateway/issues/7)"
    )


@pytest.mark.parametrize("level", Level)
def test_levels_are_those_of_code_scanning_and_of_annotations(level: Level) -> None:
    names = {Level.MUST: ("error", "error"), Level.SHOULD: ("warning", "warning"), Level.NOTE: ("note", "notice")}
    assert (sarif.LEVELS[level], COMMANDS[level]) == names[level]
