"""A target that words its answers now and then in another way is not accused; one that mixes them up always is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import RunReport
from contract_tests.tests.small_target import Asked, completion, report_of, stream

TEXT = "an oak stands by the river and a heron waits below it, and neither says a word about the rain"
SECTIONS = ("relations", "chat.stop", "chat.content-parts")
RATES = (0.02, 0.1, 0.3, 0.5)
Vary = Callable[[str, random.Random], str]
Confuse = Callable[[str, list[str]], str]


def answer_text(asked: Asked) -> str:
    """What a model without any mood says: the text it is to repeat, cut at a stop sequence, or one sentence."""
    content = asked.json["messages"][-1]["content"]
    text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    repeated = text.partition("nothing else: ")[2] or TEXT
    for stop in asked.json.get("stop", ()):
        repeated = repeated.partition(stop)[0]
    return repeated


def report(vary: Vary, rate: float, seed: int, confuse: Confuse | None = None) -> RunReport:
    """The report on a target that varies this share of its answers, and may confuse those asked for at once."""
    dice = random.Random(f"{rate} {seed}")
    running: list[str] = []

    async def answer(asked: Asked) -> bytes | None:
        if not asked.path.endswith("/chat/completions") or not asked.json.get("messages"):
            return None
        text = answer_text(asked)
        if dice.random() < rate:
            text = vary(text, dice)
        if confuse:
            running.append(text)
            await asyncio.sleep(0.005)
            others = [other for other in running if other is not text]
            running.remove(text)
            text = confuse(text, others) if others else text
        return stream(text) if asked.json.get("stream") else completion(text)

    # One case at a time: the target counts who asks at once.
    return report_of(answer, *(("relations.callers",) if confuse else SECTIONS), concurrency=1 if confuse else 4)[0]


def capital(text: str, dice: random.Random) -> str:
    """One letter anywhere becomes a capital, in a nonce too."""
    at = dice.choice([at for at, letter in enumerate(text) if letter.islower()])
    return text[:at] + text[at].upper() + text[at + 1 :]


def first_capital(text: str, dice: random.Random) -> str:
    """Two wordings and no third: the case in which chance looks most like a rule."""
    return text[:1].upper() + text[1:]


def other_words(text: str, dice: random.Random) -> str:
    """Something else altogether: a small model that does not always repeat what it is to repeat."""
    return "I am not sure what you would like me to do."


def red(report: RunReport) -> set[str]:
    """The MUST rules about several exchanges that are broken; the small target has other faults."""
    return {found.rule.id for found in report.findings if found.rule.level is Level.MUST and found.rule.relation}


@pytest.mark.slow
@pytest.mark.parametrize("vary", [capital, first_capital, other_words])
@pytest.mark.parametrize("rate", RATES)
def test_a_target_whose_wording_varies_is_not_red(vary: Vary, rate: float) -> None:
    for seed in range(2):
        assert red(report(vary, rate, seed)) == set(), (vary, rate, seed)


def swapped(text: str, others: list[str]) -> str:
    return others[0]


def silent(text: str, others: list[str]) -> str:
    return ""


@pytest.mark.parametrize(
    ("confuse", "rule"), [(swapped, "relations.own-answer"), (silent, "relations.answer-under-load")]
)
@pytest.mark.parametrize("rate", [0.0, *RATES])
def test_a_target_that_confuses_its_callers_is_always_red(confuse: Confuse, rule: str, rate: float) -> None:
    assert rule in red(report(first_capital, rate, 1, confuse))


@pytest.mark.parametrize("seed", range(4))
def test_a_text_that_is_lost_in_every_stream_is_always_red(seed: int) -> None:
    """Another piece each time: the streams are unlike each other, and none of them is like the dict."""
    dice = random.Random(seed)

    def answer(asked: Asked) -> bytes | None:
        if not asked.json.get("stream"):
            return completion(answer_text(asked)) if asked.json.get("messages") else None
        words = answer_text(asked).split(" ")
        words.pop(dice.randrange(1, len(words) - 1) if len(words) > 2 else 0)
        return stream(" ".join(words))

    assert "relations.same-text" in red(report_of(answer, "relations.text")[0])
