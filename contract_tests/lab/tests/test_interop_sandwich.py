"""The page about what real proxies change is made of their reports."""

from __future__ import annotations

from contract_tests.lab.interop import sandwich
from contract_tests.lab.interop.catalogue import SERVERS
from contract_tests.lab.interop.sandwich import PROXIES, Sandwiched, document
from contract_tests.tests.sandwich_proxies import Hooks
from contract_tests.tests.test_sandwich import run, without


def test_the_page_has_a_row_for_each_proxy_and_for_each_rule() -> None:
    odd = run(Hooks(request=without("logit_bias")), ("request.chat.logit_bias", "reply.chat.text"))
    fine = run(Hooks(), ("reply.chat.text",))
    page = document([Sandwiched(SERVERS["litellm"], odd), Sandwiched(SERVERS["aimock"], fine)])
    assert "| [LiteLLM proxy](#litellm) 1.106.2 | 1 | · | · | · | 2 | · | 1 |" in page
    assert "| request.dropped | MUST | 1 | `request.chat.logit_bias.empty`, logit\\_bias | missing | {} |" in page
    assert "Everything came through as it was." in page


def test_the_committed_page_names_every_proxy() -> None:
    text = sandwich.PAGE.read_text(encoding="utf-8")
    assert [name for name in PROXIES if f"(#{name})" not in text or f"## {name}" not in text] == []


def test_a_proxy_that_was_not_judged_says_why() -> None:
    assert not Sandwiched(SERVERS["portkey"], reason="node not found").is_whole
