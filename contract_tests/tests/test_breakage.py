"""The levels beside the measurement: a MUST breaks a client or says why it is one; no prose contradicts the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from contract_tests.report import findings
from contract_tests.report.breakage import ANSWERS, FINE, NOT_ASKED, load_table
from contract_tests.report.findings import format_finding
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import MUST, Evidence, Finding, Rule
from contract_tests.rules.engine.node import Place
from contract_tests.tests.test_cli import contract

MODERN = ("openai-python 1", "openai-python 2", "openai-python 3")
NAMED = re.compile(
    r"stream helper of (?P<whose>openai-python|openai-node)|(?P<helped>openai-python|openai-node)'s stream helper"
    r"|(?P<helper>openai-python|openai-node)'s helper for chat streams|every generation of (?P<each>openai-python)"
    r"|openai-python (?P<versions>\d[\d.]*(?:(?:,| and| to) \d[\d.]*)*)|(?P<python>openai-python)|(?P<node>openai-node)"
    r"|(?P<chain>LangChain)|(?:(?<=[;,] )|(?<=\())(?P<later>\d[\d.]*)(?=:? (?:raises )?[A-Z]\w+Error)"
)
"""How a harm names a client. Without a version openai-python is what stands on PyPI since 1.0."""
ERROR = re.compile(r"\b[A-Z][A-Za-z]*(?:Error|Exception)\b")


def clients_of(versions: str) -> list[str]:
    """The clients of `0.28.1`, `1 to 3` or `1, 2 and 3`, as the table calls them."""
    if span := re.fullmatch(r"(\d) to (\d)", versions):
        return [f"openai-python {number}" for number in range(int(span[1]), int(span[2]) + 1)]
    return [
        "openai-python 0.28" if each[0] == "0" else f"openai-python {each[0]}"
        for each in re.findall(r"[\d.]+", versions)
    ]


def named_clients(harm: str) -> Iterator[tuple[int, list[str]]]:
    """Where a harm names clients, and which."""
    for match in NAMED.finditer(harm):
        helped = match["whose"] or match["helped"] or match["helper"]
        versions = match["versions"] or match["later"]
        if helped:
            yield match.start(), [f"{helped} .stream()"]
        elif versions:
            yield match.start(), clients_of(versions)
        elif match["node"] or match["chain"]:
            yield match.start(), ["openai-node 7" if match["node"] else "LangChain"]
        else:
            yield match.start(), [*MODERN, *(["openai-python 0.28"] if match["each"] else [])]


def contradictions(harm: str, row: Mapping[str, str]) -> list[str]:
    """What a sentence says of clients, and the verdicts deny."""
    asked = {client: verdict for client, verdict in row.items() if verdict != NOT_ASKED}
    breaks = {client: verdict for client, verdict in asked.items() if verdict not in (FINE, ANSWERS)}
    places = list(named_clients(harm))
    named = {client for _, clients in places for client in clients}
    found = [f"{client} does not break" for client in sorted(named - breaks.keys())]
    for error in ERROR.finditer(re.sub(r"`[^`]*`", lambda code: " " * len(code[0]), harm)):
        before = [clients for at, clients in places if at < error.start()]
        verdict = f"raises {error[0]}"
        wrong = [client for client in before[-1] if breaks.get(client) != verdict] if before else []
        if wrong or verdict not in breaks.values():
            found.append(f"no {verdict}: {wrong}")
    if re.search(r"\b(?:every|all|no) clients?\b(?! that)", harm) and len(breaks) < len(asked):
        found.append("not every client breaks")
    if re.search(r"\bothers\b", harm) and not asked.keys() - named <= breaks.keys():
        found.append("others are fine")
    if re.search(r"\b(?:others|clients|callers?|users) (?:wait|hang)s?\b", harm) and "hangs" not in asked.values():
        found.append("nobody waits")
    if asked and not breaks and re.search(r"\b(?:raises?|throws?)\b", harm):
        found.append("nobody raises")
    return found


def breaking(rule: Rule) -> Mapping[str, str]:
    """The clients that break on the fixture of a rule, with the verdict."""
    fine = (FINE, ANSWERS, NOT_ASKED)
    return {client: verdict for client, verdict in load_table().of_rule(rule.id).items() if verdict not in fine}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_must_breaks_a_client_or_says_why_it_is_one(rule: Rule) -> None:
    if rule.level is MUST:
        assert breaking(rule) or rule.basis
    else:
        assert not rule.basis, "only a MUST needs a reason"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_client_that_the_prose_names_breaks_in_the_table(rule: Rule) -> None:
    row = load_table().of_rule(rule.id)
    for sentence in () if rule.relation else (rule.harm, rule.expected):
        assert contradictions(sentence, row) == [], sentence


ROW = {
    "openai-python 0.28": "raises KeyError",
    "openai-python 3": "fine",
    "openai-python .stream()": "wrong: role",
    "openai-node 7": "raises TypeError",
    "openai-node .stream()": NOT_ASKED,
    "LangChain": "fine",
}


@pytest.mark.parametrize(
    ("harm", "denied"),
    [
        ("openai-python 0.28.1 raises KeyError", False),
        ("openai-python 0.28.1 raises TypeError", True),
        ("openai-python raises KeyError", True),
        ("openai-python 1 to 3 raise KeyError", True),
        ("openai-python 3 raises KeyError", True),
        ("openai-python's stream helper glues the roles", False),
        ("openai-node's stream helper throws", True),
        ("openai-node raises TypeError (0.28.1: KeyError)", False),
        ("openai-node raises TypeError; 0.28.1 raises KeyError", False),
        ("LangChain loses the text", True),
        ("`reply.choices[0]` raises IndexError", True),
        ("`except KeyError` catches it", False),
        ("it raises in every client", True),
        ("no client can read it", True),
        ("openai-node raises TypeError; others wait for more", True),
        ("openai-node raises TypeError, others show nothing", True),
        ("clients hang", True),
    ],
)
def test_prose_that_says_more_than_the_table_is_noticed(harm: str, denied: bool) -> None:
    assert bool(contradictions(harm, ROW)) is denied


def test_where_every_client_is_fine_nobody_raises() -> None:
    assert contradictions("code that reads `choices[0]` raises", dict.fromkeys(ROW, FINE))
    assert not contradictions("code that reads `choices[0]` raises", ROW)


def test_the_reason_is_printed_where_no_client_breaks() -> None:
    rule = RULES["sse.last-event-complete"]
    assert rule.basis.startswith("WHATWG: ")
    for text in (format_finding(Finding(rule, Place(), "the stream ends")), contract("explain", rule.id).stdout):
        assert f"because {rule.basis}" in " ".join(text.split())


def test_a_must_that_is_broken_in_a_form_of_its_own_says_what_was_measured() -> None:
    finding = Finding(RULES["http.json-type"], Place(), "Content-Type: text/html", own_harm="clients report the status")
    text = " ".join(format_finding(finding).split())
    assert "clients " + "openai" not in text
    assert "because in the form that was measured, openai-python 0.28, openai-node 7: raises TypeError" in text


@pytest.mark.parametrize(
    ("rule_id", "words"),
    [
        *((f"{section}.limit-kept", "an upper bound") for section in ("chat", "chat.stream", "completions.stream")),
        ("completions.limit-kept", "an upper bound"),
        ("chat.stream.finishes-once", "the reason the model stopped"),
        ("completions.stream.finishes-once", "the reason the model stopped"),
    ],
)
def test_a_must_says_why_where_the_measured_form_does_not(rule_id: str, words: str) -> None:
    """That clients report more tokens is no reason why an answer may not be too long."""
    text = " ".join(format_finding(Finding(RULES[rule_id], Place(), "19 words", own_harm="it is too long")).split())
    assert "because the API reference" in text
    assert words in text
    assert "in the form that was measured" not in text


@pytest.mark.parametrize(
    ("rule_id", "client"),
    [
        ("tools.stream-id-once", "openai-python .stream()"),
        ("chat.stream.role-once", "openai-python .stream()"),
        ("http.content-type", "openai-node 7"),
        ("usage.stream-asked", "openai-python .stream()"),
        ("chat.stream.list-index", "openai-python .stream()"),
    ],
)
def test_a_client_decides_the_level(rule_id: str, client: str) -> None:
    assert RULES[rule_id].level is MUST
    assert client in breaking(RULES[rule_id])


@pytest.mark.parametrize(
    ("rule", "event", "members", "helpers"),
    [
        ("tools.no-nulls", None, {}, False),
        ("formats.no-replacement", None, {"stream": "false"}, False),
        ("tools.no-nulls", 3, {"stream": "true"}, True),
        ("http.in-time", None, {"stream": "true"}, True),
        ("http.in-time", None, {}, False),
        ("responses.arguments", None, {}, True),  # of an object: `responses.parse` is the helper
    ],
)
def test_stream_helpers_are_not_named_where_nothing_was_to_be_streamed(
    rule: str, event: int | None, members: dict[str, str], helpers: bool
) -> None:
    """lm-proxy's `tool_calls: null` in a whole answer: "openai-python .stream(): raises AssertionError"."""
    evidence = Evidence("POST", "/v1/chat/completions", tuple(members.items()))
    finding = Finding(RULES[rule], Place(event), "null", evidence=evidence)
    assert any(client.endswith(".stream()") for client in findings.clients_of(finding)) is helpers


@pytest.mark.parametrize(("method", "named"), [("POST", True), ("WebSocket", False)])
@pytest.mark.parametrize("own_harm", ["", "what follows from this very form"])
def test_clients_measured_over_http_are_not_named_of_a_turn_over_a_web_socket(
    method: str, named: bool, own_harm: str
) -> None:
    evidence = Evidence(method, "/v1/responses", (("model", '"m"'),))
    finding = Finding(RULES["responses.stream.item-closes"], Place(3), "x", own_harm=own_harm, evidence=evidence)
    shown = findings.finding_as_json(finding)
    assert bool(shown["clients"] or shown.get("because")) is named
