"""Whatever is written in a script, it answers or is refused in words."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests.lab.pages.scripts_page import MODELS, keys
from fake_server.api.request import CHAT, EMBEDDINGS, ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts.book import ScriptBook, ScriptError
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer, answer_numbers

KEYS = sorted({key for model in MODELS.values() for key in keys(model)} | {"fault", "after_events"})
TEXTS = ["", "request", "gpt-4o", "user", "a", "(", "$.x", "{{ last }}", "{% if", CHAT, EMBEDDINGS, "cut"]
LEAVES = st.none() | st.booleans() | st.integers(-3, 10**6) | st.floats() | st.sampled_from(TEXTS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def some(model: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(list(keys(MODELS[model]))), VALUES, min_size=1, max_size=3)


REPLIES = some("Response") | some("Answer") | VALUES
SCRIPTS = st.fixed_dictionaries(
    {"name": st.just("s") | LEAVES, "reply": REPLIES}, optional={"when": some("When"), "times": LEAVES}
)
MATCHES = st.dictionaries(
    st.sampled_from(["userMessage", "systemMessage", "model", "turnIndex", "sequenceIndex", "endpoint"]),
    LEAVES | st.lists(LEAVES, max_size=2),
    max_size=2,
)
RESPONSES = st.dictionaries(
    st.sampled_from(["content", "toolCalls", "error", "usage", "embedding", "blocks", "finishReason"]),
    VALUES,
    max_size=3,
)
FIXTURES = st.fixed_dictionaries({"match": MATCHES, "response": RESPONSES}, optional={"chaos": VALUES})
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}]}


def answered(book: ScriptBook) -> None:
    answer(ApiRequest(BODY), book, ScriptState())
    answer_numbers(ApiRequest(BODY, endpoint=EMBEDDINGS), book, ScriptState())


@settings(max_examples=150, deadline=None)
@given(st.lists(SCRIPTS | VALUES, max_size=3))
def test_any_script(items: list[Any]) -> None:
    with suppress(ScriptError):
        answered(scripts.parse(items))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FIXTURES | VALUES, max_size=3))
def test_any_fixture_of_aimock(tmp_path: Path, items: list[Any]) -> None:
    path = tmp_path / "fixtures.json"
    path.write_text(json.dumps({"fixtures": items}))
    with suppress(ScriptError):
        answered(scripts.load([path]))
