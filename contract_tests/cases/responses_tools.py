"""Sections responses and responses.stream: tools that the server has built in and runs itself."""

from __future__ import annotations

from typing import Any

from contract_tests.cases.responses import response_case

NEWS, SUM = "Search the web: how tall is the tallest tree? One sentence.", "Compute 1234 * 5678 with code."
SEARCH: dict[str, Any] = {"tools": [{"type": "web_search", "search_context_size": "low"}], "also": ["web_search"]}
CODE: dict[str, Any] = {
    "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}],
    "also": ["code_interpreter", "container"],
}

response_case("responses.web-search", "a web search", NEWS, 400, **SEARCH, tool_choice={"type": "web_search"})
response_case(
    "responses.code-interpreter",
    "code that the server runs",
    SUM,
    400,
    **CODE,
    tool_choice={"type": "code_interpreter"},
)
response_case(
    "responses.stream.web-search",
    "a web search, in events",
    NEWS,
    400,
    **SEARCH,
    tool_choice={"type": "web_search"},
    stream=True,
)
