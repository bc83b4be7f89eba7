"""Faults in how a request is read: what is asked for and never reaches the model."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fake_server.faults.base import Fault
from fake_server.faults.values import Json, Path, find_nodes, replace_at
from fake_server.wire.delivery import Delivery


class Misread(Fault):
    """The answer is that to another request: `without` what these JSONPaths find, with the members of `set`,
    and with those of `fill` where they are missing or empty. What
    the reply says of the members in `echo` is what was asked all the same.
    """

    fault: Literal["misread"] = "misread"
    without: Annotated[list[Path], Field(max_length=100)] = Field([])
    set: dict[str, Any] = Field({})
    fill: dict[str, Any] = Field({})
    echo: list[str] = Field([])

    def asked(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of the request as it is read."""
        read: Any = copy.deepcopy(dict(body))
        for path in self.without:
            for node in reversed(find_nodes(path, read)):
                if node.location:
                    replace_at(read, node.location, None, drop=True)
        filled = {name: value for name, value in self.fill.items() if not read.get(name)}
        return {**read, **filled, **self.set}

    def echoed(self, body: Mapping[str, Any]) -> Json | None:
        """The fault of a reply that says what the request asked; None where it need not."""
        said = {name: body[name] for name in self.echo if name in body}
        return Json.model_validate({"where": "$.choices", "set": said}) if said else None

    def apply(self, delivery: Delivery) -> Delivery:
        return delivery
