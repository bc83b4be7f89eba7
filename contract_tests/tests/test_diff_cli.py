"""`contract diff` as its users meet it: recordings, folders, reports, the fake, a live target."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from contract_tests.cli.diff import diff_command
from contract_tests.diffing import Role, compare
from contract_tests.diffing.live import compare_with_fake
from contract_tests.diffing.sources import pair, side_of
from contract_tests.diffing.verdicts import Verdict
from contract_tests.recordings.reading import read
from contract_tests.recordings.recording import InputError, Recording
from contract_tests.run.run import UsageError
from contract_tests.tests.diff_pairs import END, ROLE, TEXT, stream
from contract_tests.tests.shared import ROOT, SHARED, needs_recordings
from contract_tests.tests.test_diff_reports import NEW, OLD
from fake_server import FakeServer
from fake_server.api.render.style import Style
from fake_server.wire import fixture
from fake_server.wire.exchange import Request

CONFORMING, BROKEN = ROOT / "fixtures" / "conforming", ROOT / "fixtures" / "broken"
POEM, CALLS = str(CONFORMING / "poem-stream.yaml"), str(CONFORMING / "calls-stream.yaml")
SHAPE = str(BROKEN / "chat.stream.shape.yaml")

Ran = tuple[int, str]


@pytest.fixture
def diff(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def run(*argv: str) -> Ran:
        code = diff_command.main(list(argv), prog_name="contract diff", standalone_mode=False)
        return int(code), capsys.readouterr().out

    return run


def last(text: str) -> str:
    return text.rstrip().splitlines()[-1]


def test_the_same_is_said_in_one_line(diff: Callable[..., Ran]) -> None:
    code, out = diff(POEM, POEM)
    assert (code, last(out)) == (0, "SAME  no differences (exit code 0)")


def test_a_difference_is_one_line_with_both_forms_and_a_verdict(diff: Callable[..., Ran]) -> None:
    code, out = diff(POEM, SHAPE)
    assert code == 1
    assert "system_fingerprint  fp_…  number  the SDK knows A's form only" in out
    assert last(out) == "DIFFERENT  1 difference (shape 1): the SDK knows A's form only 1 (exit code 1)"


def test_a_side_can_be_declared_genuine(diff: Callable[..., Ran]) -> None:
    assert "the proxy drifted" in diff(POEM, SHAPE, "--genuine", "A")[1]
    assert "the SDK is behind" in diff(POEM, SHAPE, "--genuine", "B")[1]


def test_only_some_kinds_are_compared(diff: Callable[..., Ran]) -> None:
    code, out = diff(POEM, SHAPE, "--only", "order,framing")
    assert (code, last(out)) == (0, "SAME  no differences (exit code 0)")


def test_a_comparison_is_written_as_a_page(diff: Callable[..., Ran], tmp_path: Path) -> None:
    page, report = tmp_path / "diff.html", tmp_path / "diff.json"
    code, out = diff(POEM, SHAPE, "--html", str(page), "--json", str(report))
    assert code == 1
    assert f"written   {page}" in out
    assert f"written   {report}" in out
    assert "</span> DIFFERENT</p>" in page.read_text("utf-8")
    assert not json.loads(report.read_text("utf-8"))["same"]


def test_folders_are_paired_by_name_then_by_request(tmp_path: Path, diff: Callable[..., Ran]) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    kept, other = fixture.load(Path(POEM)), fixture.load(Path(CALLS))
    fixture.save(kept, tmp_path / "a" / "same-name.yaml")
    fixture.save(kept, tmp_path / "b" / "same-name.yaml")
    fixture.save(other, tmp_path / "a" / "before.yaml")
    respelt = json.dumps(dict(reversed(other.exchange.request.json().items())), indent=2).encode()
    again = other.exchange.but(request=replace(other.exchange.request, body=respelt))
    fixture.save(replace(other, exchange=again), tmp_path / "b" / "after.yaml")
    fixture.save(fixture.load(CONFORMING / "models.yaml"), tmp_path / "a" / "only-here.yaml")
    target = tmp_path / "diff.json"
    code, out = diff(str(tmp_path / "a"), str(tmp_path / "b"), "--json", str(target))
    assert code == 1
    assert "only in A     only-here" in out
    assert last(out) == "DIFFERENT  no differences in 2 pairs; 1 recording without a counterpart (exit code 1)"
    written = json.loads(target.read_text())
    assert {(one["a"], one["b"]) for one in written["pairs"]} == {
        ("same-name", "same-name"),
        ("before", "after"),
    }
    assert (written["format"], written["same"], written["only_in"]) == (
        "openai-contract-diff/1",
        False,
        {"a": ["only-here"], "b": []},
    )


def test_a_request_that_was_not_kept_pairs_with_none() -> None:
    one = fixture.load(Path(POEM)).exchange
    sides = [side_of(Recording(one.but(label=name))) for name in "abcd"]
    found = pair(sides[:2], sides[2:])
    assert [(a.label, b.label) for a, b in found.both] == [("a", "c"), ("b", "d")]
    assert len(pair([], sides).only_b) == 4


def test_many_pairs_are_added_up_or_shown_each(diff: Callable[..., Ran], tmp_path: Path) -> None:
    for folder, source in (("a", POEM), ("b", SHAPE)):
        (tmp_path / folder).mkdir()
        for name in ("one", "two"):
            fixture.save(fixture.load(Path(source)), tmp_path / folder / f"{name}.yaml")
    folders = str(tmp_path / "a"), str(tmp_path / "b")
    assert diff(*folders)[1].count("system_fingerprint") == 1
    assert "2: one and 1 more" in diff(*folders)[1]
    each = diff(*folders, "--all")[1]
    assert each.count("system_fingerprint") == 2
    assert "\none\n" in each


def test_streams_of_other_lengths_differ_alike(diff: Callable[..., Ran], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name, texts in (("one", (TEXT, TEXT)), ("two", (TEXT, TEXT, TEXT))):
            exchange = stream(ROLE, *texts, END)
            kept = exchange if folder == "a" else exchange.but(writes=exchange.writes[:-1])
            fixture.save(fixture.Fixture(kept), tmp_path / folder / f"{name}.yaml")
    out = diff(str(tmp_path / "a"), str(tmp_path / "b"))[1]
    assert out.count("[DONE]") == 1
    assert "2: one and 1 more" in out


def test_the_fake_is_asked_the_same(diff: Callable[..., Ran]) -> None:
    code, out = diff(SHAPE, "fake", "--only", "shape")
    assert code == 1
    assert "system_fingerprint  number" in out
    assert "the proxy drifted" in out
    assert diff("fake", SHAPE, "--only", "shape")[0] == 1


def test_what_the_fake_cannot_be_asked_is_said(diff: Callable[..., Ran]) -> None:
    with pytest.raises(click.UsageError, match="status 401 depends on the server's state"):
        diff(str(CONFORMING / "no-key.yaml"), "fake")
    with pytest.raises(click.UsageError, match="the fake has every model"):
        diff(str(CONFORMING / "unknown-model.yaml"), "fake")


def test_azure_names_the_model_in_its_path() -> None:
    exchange = fixture.load(CONFORMING / "poem-dict.yaml").exchange
    body = {name: value for name, value in (exchange.request.json() or {}).items() if name != "model"}
    request = Request(
        "POST", "/openai/deployments/gpt-4o/chat/completions?api-version=1", (), json.dumps(body).encode()
    )
    (a, b), *_ = compare_with_fake([side_of(Recording(exchange.but(request=request)))]).both
    assert (a.role, b.role, b.view.status) == (Role.OTHER, Role.FAKE, 200)
    assert b.view.root["model"].value == "gpt-4o"


OF_RESPONSES = (
    *("response-dict", "response-stream", "response-calls-stream", "response-compacted"),
    "conversation-created",
)


@pytest.mark.parametrize("name", OF_RESPONSES)
def test_the_fake_is_asked_what_is_new_in_responses_and_conversations(name: str) -> None:
    pairs = compare_with_fake([side_of(Recording(fixture.load(CONFORMING / f"{name}.yaml").exchange))])
    assert pairs.not_asked == ()
    assert [b.view.status for _, b in pairs.both] == [200]


@pytest.mark.parametrize("name", ["response-read", "response-deleted", "conversation-items", "response-continued-dict"])
def test_the_fake_is_not_asked_for_what_is_not_stored_in_it(name: str) -> None:
    pairs = compare_with_fake([side_of(Recording(fixture.load(CONFORMING / f"{name}.yaml").exchange))])
    assert pairs.both == ()
    assert "not stored in the fake" in pairs.not_asked[0]


def test_a_live_target_and_the_fake_are_asked_the_same_case(diff: Callable[..., Ran]) -> None:
    usual = replace(Style.PLAIN, obfuscation=True)
    with FakeServer(style=usual) as live:
        code, out = diff(live.base_url, "--case", "chat.stream", "--case", "models", "--case", "embeddings")
    assert code == 0
    assert last(out).startswith("SAME  no differences in ")
    with FakeServer(style=replace(usual, line_end="\r\n", header_case="upper")) as live:
        url = live.base_url
        code, out = diff(url, "--case", "chat.stream.poem")
    assert code == 1
    assert f"A         {url}   model gpt-3.5-turbo\nB         fake   (the fake)" in out
    assert last(out) == "DIFFERENT  2 differences (framing 2) (exit code 1)"


def test_reports_are_compared(diff: Callable[..., Ran], tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{name}.json") for name in ("old", "new", "diff")]
    for path, value in zip(paths, (OLD, NEW), strict=False):
        Path(path).write_text(json.dumps(value))
    code, out = diff(paths[0], paths[1], "--json", paths[2])
    assert code == 1
    for line in (
        "target    http://a/v1 → http://b/v1",
        "model     m",
        "new       MUST   chat.role in chat.b at choices[0].message.role",
        "outcome   chat.b: pass → fail",
        "added     chat.d",
        "removed   chat.c",
    ):
        assert line in out
    assert "findings: 1 new, 0 gone, 1 still there; 1 outcome changed (exit code 1)" in out
    assert json.loads(Path(paths[2]).read_text())["new"][0]["rule"] == "chat.role"
    assert diff(paths[0], paths[0])[0] == 0
    with pytest.raises(click.UsageError, match="is a report; compare it with another report"):
        diff(paths[0], POEM)


WRONG: list[tuple[tuple[str, ...], type[Exception], str]] = [
    ((POEM,), click.UsageError, "give two things"),
    ((POEM, POEM, "--case", "chat.poem"), click.UsageError, "--case takes one URL"),
    ((POEM, "nowhere.yaml"), InputError, "there is no such file or folder"),
    ((POEM, POEM, "--only", "colour"), click.UsageError, "--only takes one or more of shape"),
    (("fake", "fake"), click.UsageError, "A and B are both the fake"),
    (("http://127.0.0.1:9", "--case", "no.such"), UsageError, "no case is called"),
]


@pytest.mark.parametrize(("argv", "error", "said"), WRONG, ids=range(len(WRONG)))
def test_wrong_use_is_told(diff: Callable[..., Ran], argv: tuple[str, ...], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        diff(*argv)


def test_a_document_without_bottom_is_told(diff: Callable[..., Ran], tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    with pytest.raises(InputError, match="nested too deeply"):
        diff(str(deep), POEM)


def test_nothing_that_pairs_is_wrong_use(diff: Callable[..., Ran], tmp_path: Path) -> None:
    for folder, name in (("a", "poem-stream"), ("b", "models")):
        (tmp_path / folder).mkdir()
        for number in "12":
            fixture.save(fixture.load(CONFORMING / f"{name}.yaml"), tmp_path / folder / f"{folder}{number}.yaml")
    with pytest.raises(click.UsageError, match="nothing to compare"):
        diff(str(tmp_path / "a"), str(tmp_path / "b"))


def test_control_characters_and_keys_do_not_reach_the_terminal(diff: Callable[..., Ran], tmp_path: Path) -> None:
    loaded = fixture.load(CONFORMING / "poem-dict.yaml")
    value: dict[str, Any] = json.loads(loaded.exchange.payload)
    value["object"], value["\x1b[31mred"] = "sk-abcdefghijklmnop", 1
    changed = loaded.exchange.with_payload(json.dumps(value).encode())
    fixture.save(replace(loaded, exchange=changed), tmp_path / "x.yaml")
    target = tmp_path / "x.json"
    _, out = diff(str(CONFORMING / "poem-dict.yaml"), str(tmp_path / "x.yaml"), "--json", str(target))
    for text in (out, target.read_text()):
        assert "\x1b" not in text
        assert "abcdefghijklmnop" not in text


# -- truth from outside


@needs_recordings
def test_genuine_recordings_are_the_same_as_themselves() -> None:
    for number, recording in enumerate(read(SHARED / "recordings" / "openai.jsonl")):
        if number % 13 == 0:
            side = side_of(recording)
            assert side.role is Role.GENUINE
            assert compare(side, side_of(recording)).differences == (), side.label


@needs_recordings
def test_nothing_that_genuine_answers_have_is_lacking_in_the_fake() -> None:
    """Of a sample of all endpoints, forms and refusals the fake answers in a form of the same members."""
    taken: dict[tuple[Any, ...], int] = {}
    sample = []
    for recording in read(SHARED / "recordings" / "openai.jsonl"):
        view = (side := side_of(recording)).view
        key = (view.endpoint, view.is_stream, view.status, view.request["tools"].there)
        if view.endpoint and taken.setdefault(key, 0) < 12:
            taken[key] += 1
            sample.append(side)
    pairs = compare_with_fake(sample)
    assert len(pairs.both) > 60
    found = [(a.label, one) for a, b in pairs.both for one in compare(a, b).differences]
    fault = (Verdict.OUTDATED, Verdict.ONLY_FAKE, Verdict.NEITHER)
    newer = ("frequency_penalty", "presence_penalty", "billing")  # than many of the recorded Responses, and the SDK
    assert [one for one in found if one[1].verdict in fault and one[1].where not in newer] == []
