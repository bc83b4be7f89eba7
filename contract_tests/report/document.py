"""A saved report as a document: the JSON value that every form is made of.

`contract run`, `offline` and `judge` make a document of what they found (`files.py`, which says what the members mean);
`contract report` reads one from a file (`saved.py`). Both are the same value, every text in it masked, so that a form
looks the same now and later. Members that are NotRequired are missing in reports of older kits; `summary` is always
there, as it is made anew on reading (`summary.py`). Members of newer kits are left out.

What the HTML page shows of a run: `verdict`, `target`, `model`, `server`, `started`, `kit`, `notes`, `stopped`,
`lacking`, `tolerances`, `summary`, and of each case its outcome, its findings, what is tolerated, and what was
exchanged. Of a judgement: `verdict`, `summary`, `endpoints`, `findings`, `tolerated`, `surprises`, `tolerances`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Final, Literal, NotRequired, TypeAlias

from pydantic import Field, SkipValidation

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic, which brings this package, reads no other there
    from typing_extensions import TypedDict

RUN: Final = "openai-contract-report/1"
JUDGEMENT: Final = "openai-contract-judgement/1"

Count: TypeAlias = Annotated[int, Field(ge=0)]
ExitCodeNumber: TypeAlias = Annotated[int, Field(ge=0, le=4)]  # a Literal would take true for 1
Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LevelName: TypeAlias = Literal["MUST", "SHOULD", "NOTE"]
OutcomeName: TypeAlias = Literal["pass", "warn", "fail", "unsupported", "not reached", "setup failed", "harness failed"]
VerdictName: TypeAlias = Literal["pass", "fail", "not reached", "harness failed"]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)] | None


class PlaceIn(TypedDict):
    event: Count | None
    path: list[str | int]
    byte: Count | None


class RequestShown(TypedDict):
    method: str
    target: str
    members: dict[str, str]


class BytesShown(TypedDict):
    before: str
    after: str


Entry = TypedDict(
    "Entry",
    {
        "by": str,
        "place": str,
        "rule": str,
        "in": str,
        "at": str,
        "actual": str,
        "reason": Annotated[str, Field(min_length=1)],
        "link": str,
        "expires": str | None,
    },
)
FindingIn = TypedDict(
    "FindingIn",
    {
        "rule": str,
        "level": LevelName,
        "clause": str,
        "in": str,
        "at": PlaceIn,
        "expected": str,
        "actual": str,
        "breaks": str,
        "clients": dict[str, str],
        "see": str,
        "because": NotRequired[str],
        "request": NotRequired[RequestShown | None],
        "bytes": NotRequired[BytesShown | None],
        "again": NotRequired[str],
    },
)


class ToleratedIn(FindingIn):
    tolerated: Entry


class Tolerances(TypedDict):
    by: list[str]
    expired: list[Entry]
    gone: list[Entry]


class Lacking(TypedDict):
    section: str
    outcome: Literal["unsupported", "not reached", "setup failed", "harness failed"]
    reason: str
    cases: Annotated[list[str], Field(min_length=1)]


class MessageIn(TypedDict):
    body: str
    whole: bool
    fields: list[Annotated[list[str], Field(min_length=2, max_length=2)]]


NotNegative: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ExchangeIn(TypedDict):
    """An exchange as `contract_tests.rules.outline` describes it."""

    label: str
    method: str
    target: str
    status: int | None
    type: str
    ending: str
    problem: str
    seconds: NotNegative | None
    head: NotNegative | None
    bytes: Count | None
    number: Count | None
    writes: Annotated[list[Annotated[list[NotNegative], Field(min_length=2, max_length=2)]], Field(max_length=200)]
    request: MessageIn | None
    reply: MessageIn | None


class CaseIn(TypedDict):
    id: str
    section: str
    title: str
    outcome: OutcomeName
    reason: str
    seconds: Seconds
    findings: list[FindingIn]
    tolerated: NotRequired[list[ToleratedIn]]
    exchanges: NotRequired[list[ExchangeIn]]


class Share(TypedDict):
    """How many there are of how many; `percent` is rounded down to one decimal, null of nothing."""

    count: int
    of: int
    percent: Percent


class Numbers(TypedDict):
    coverage: Share
    conformance: Share


class SectionNumbers(Numbers):
    tier: str
    outcomes: dict[str, int]


class LevelCount(TypedDict):
    findings: int
    rules: int


class Summary(TypedDict):
    """The two numbers in all, by tier and by section; how many findings count, by level; how many are tolerated."""

    unit: Literal["case", "exchange"]
    total: Numbers
    tiers: dict[str, Numbers]
    sections: dict[str, SectionNumbers]
    findings: dict[str, LevelCount]
    tolerated: int


class Origin(TypedDict):
    """Where the saved exchange of a finding is: its file, and the line in a file of several, else 0."""

    file: str
    line: Count


class Selection(TypedDict):
    """Why not all was judged, in words of the command line; how much was left out: cases by section, exchanges by
    endpoint. `left_out` is empty where all exchanges were judged, by the rules that were selected alone."""

    by: Annotated[list[str], Field(min_length=1)]
    left_out: dict[str, Count]


class Run(TypedDict):
    format: Literal["openai-contract-report/1"]
    target: str
    model: str
    verdict: VerdictName
    exit_code: ExitCodeNumber
    seconds: Seconds
    requests: Count
    stopped: str
    notes: list[str]
    cases: list[CaseIn]
    rules: dict[str, Count]
    summary: SkipValidation[Summary]
    kit: NotRequired[str]
    started: NotRequired[str]
    server: NotRequired[dict[str, str]]
    fail_on: NotRequired[LevelName]
    tolerances: NotRequired[Tolerances]
    config: NotRequired[str]
    recordings: NotRequired[dict[str, Origin]]
    required: NotRequired[list[str]]
    lacking: NotRequired[list[Lacking]]
    selection: NotRequired[Selection]


class Judgement(TypedDict):
    format: Literal["openai-contract-judgement/1"]
    verdict: VerdictName
    exit_code: ExitCodeNumber
    exchanges: Count
    endpoints: dict[str, dict[str, Count]]
    findings: list[FindingIn]
    rules: dict[str, dict[str, Count]]
    surprises: list[str]
    summary: SkipValidation[Summary]
    kit: NotRequired[str]
    fail_on: NotRequired[LevelName]
    tolerated: NotRequired[list[ToleratedIn]]
    tolerances: NotRequired[Tolerances]
    recordings: NotRequired[dict[str, Origin]]
    exchanges_with_findings: NotRequired[list[ExchangeIn]]
    selection: NotRequired[Selection]
    stopped: NotRequired[str]
    judged: NotRequired[list[str]]


Document: TypeAlias = Run | Judgement


def findings_in(document: Document) -> Iterator[FindingIn]:
    """The findings that count, case by case or recording by recording."""
    if document["format"] == RUN:
        for case in document["cases"]:
            yield from case["findings"]
    else:
        yield from document["findings"]


def tolerated_in(document: Document) -> Iterator[ToleratedIn]:
    """What a profile or a baseline covers."""
    if document["format"] == RUN:
        for case in document["cases"]:
            yield from case.get("tolerated", ())
    else:
        yield from document.get("tolerated", ())
