"""The exchanges of a run, as far as its report has room for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from contract_tests.report.document import Document
from contract_tests.report.findings import rank
from contract_tests.rules.outline import Room, outline
from contract_tests.run.outcome import RunReport
from fake_server.wire.text import dump_json

_WRITES, _SPACE = re.compile(r'"writes": \[[\d\s.,\[\]]*\](?=,\n)'), re.compile(r"\s+")


def choose_exchanges(report: RunReport, secrets: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The exchanges of each case, those with findings first in the room that there is, and the worst of them."""
    room = Room()
    rules: dict[str, list[str]] = {}
    order: dict[str, tuple[bool, int]] = {}
    for finding in sorted((*report.findings, *(covered.finding for covered in report.tolerated)), key=rank):
        rules.setdefault(finding.label, []).append(finding.rule.id)
        order.setdefault(finding.label, rank(finding))
    every = [(result, exchange) for result in report.results for exchange in result.exchanges]
    outlines: dict[int, dict[str, Any] | None] = {}
    for result, exchange in sorted(every, key=lambda pair: (order.get(pair[1].label, (True, 99)), pair[1].size)):
        texts = room.wants_texts(rules.get(exchange.label, ()))
        outlines[id(exchange)] = outline(exchange, room, secrets, texts=texts, kept=not result.emptied)
    return {
        result.case_id: [shown for exchange in result.exchanges if (shown := outlines[id(exchange)])]
        for result in report.results
    }


def format_json(document: Document) -> str:
    """The document as JSON text, the writes of an exchange on one line: nobody reads them one below the other."""
    return _WRITES.sub(lambda match: _SPACE.sub("", match[0]), dump_json(document))
