"""Rules of a company, for `contract judge` and `contract run --rules acme_rules.py`."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.own import CHAT, SHOULD, Complaint, Node, Section, View, replies

acme = Section("acme", "What Acme asks of its gateways", "https://acme.example/gateways")


@acme.rule("trace-header", over=replies, level=SHOULD, harm="a reply cannot be found in the logs of Acme")
def trace_header(view: View) -> Iterable[Complaint]:
    """Each reply has the header x-acme-trace."""
    if view.exchange.header("x-acme-trace") is None:
        yield view, "no such header", "x-acme-trace: …"


@acme.rule("billed", over=CHAT.dicts, harm="the request is on no bill")
def billed(root: Node) -> Iterable[Complaint]:
    """A chat completion says in `usage.team` who pays."""
    if not root["usage"]["team"].text:
        yield root["usage"]["team"], str(root["usage"]["team"]), "the name of a team"
