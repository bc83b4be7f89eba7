"""What the HTML page offers to copy: it can be used as it is, and does nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from contract_tests.report.html.page import format_html
from contract_tests.tests.made_up_reports import EVENT, make_judgement, make_run
from contract_tests.tests.page_reader import HOSTILE, Reader
from fake_server.wire import fixture

_NAMES_OF_A_TEST = {
    "__doc__",
    "openai_contract_kit.contract_tests.recordings.judging",
    "judge_files",
    "test_chat_stream_created",
}


def test_texts_to_copy_can_be_used(tmp_path: Path) -> None:
    page = format_html(make_run())
    copied = [
        (Reader(name).text, "".join(Reader(text).texts))
        for name, text in re.findall("<summary>([^<]*)</summary><pre[^>]*>(.*?)</pre></details>", page, re.DOTALL)
    ]
    texts = dict(reversed(copied))
    assert list(dict(copied)) == ["curl", "pytest", "fixture", "issue text"]
    words = shlex.split(texts["curl"].replace("\\\n", ""))
    assert words[:2] == ["export", "OPENAI_BASE_URL=http://127.0.0.1:4000/v1"]
    assert '{"model": "m", "stream": true}' in words
    assert "--select chat.stream.poem" in texts["pytest"]
    (tmp_path / "saved.yaml").write_text(texts["fixture"])
    saved = fixture.load(tmp_path / "saved.yaml")
    assert saved.breaks == ("chat.stream.created",)
    assert [(write.data.decode(), round(write.pause, 4)) for write in saved.exchange.writes] == [
        (EVENT, pause) for pause in (0.0165, 0.02, 0.86, 0.02)
    ]
    assert '```\n…{"created":"now","choices":[]}' in texts["issue text"]
    judged = format_html(make_judgement())
    (code,) = re.findall("(from openai_contract_kit.*?)</pre>", judged, re.DOTALL)[:1]
    compile("".join(Reader(code).texts), "copied", "exec")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.security("hostile files")
def test_a_copied_test_is_the_test_and_nothing_else(text: str) -> None:
    """A recording's name or a rule's text in a saved report could carry code."""
    for name in (text, f"{text}'); import os #", f'{text}"""\nimport os'):
        document: Any = make_judgement(text=name, findings=1)
        page = format_html(document)
        (shown,) = re.findall("<summary>pytest</summary><pre[^>]*>(.*?)</pre>", page, re.DOTALL)
        code = compile("".join(Reader(shown).texts), "copied", "exec")
        assert set(code.co_names) <= _NAMES_OF_A_TEST
