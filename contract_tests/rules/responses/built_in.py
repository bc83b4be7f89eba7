"""Section responses: tools that the server has built in and runs itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import items_of
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.asked import with_choice
from contract_tests.rules.responses.reply import responses
from fake_server.wire.exchange import Aspect

_BUILT_IN = {
    "web_search": "web_search_call",
    "file_search": "file_search_call",
    "code_interpreter": "code_interpreter_call",
    "image_generation": "image_generation_call",
    "computer": "computer_call",
    "shell": "shell_call",
    "apply_patch": "apply_patch_call",
    "mcp": "mcp_",
}
"""How the type of the choice of a built-in tool begins, and the type of the items that it brings."""


def _with_built_in_choice(view: View) -> Iterator[tuple[Node, str]]:
    """Completed Responses to a request that names a built-in tool to be called, with the type of its items."""
    kind = view.request["tool_choice"].text_of("type")
    wanted = next((items for name, items in _BUILT_IN.items() if kind.startswith(name)), "")
    for root, _ in with_choice(view) if wanted else ():
        yield root, wanted


@responses.rule(
    "built-in-called",
    over=_with_built_in_choice,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    harm="a tool that the server left out is never called: what was to be looked up is made up, and nobody is told",
)
def built_in_called(root: Node, wanted: str) -> Iterable[Complaint]:
    """A built-in tool that `tool_choice` names is called, where the server does not refuse it."""
    items = list(items_of(root))  # that a Response puts nothing out is a finding of its own
    if items and not any(item.text_of("type").startswith(wanted) for item in items):
        yield root["output"], f"no {wanted.removesuffix('_')}", f"a {wanted.removesuffix('_')}"
