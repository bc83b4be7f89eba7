"""Faults in how a request is read: part of what is asked never reaches the model."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fake_server.faults.base import Fault
from fake_server.faults.places import Path, find_nodes, replace_at
from fake_server.faults.values import Json
from fake_server.wire.budget import spend


class Misread(Fault):
    """The server answers a request other than the one that was sent.

    - `without`: JSONPaths; what they find is left out, as in `without: ["$.stop"]`.
    - `set`: members that replace those of the request, as in `set: {n: 1}`.
    - `fill`: members for those that are missing or empty.
    - `echo`: names of members of the request as it was sent; the reply repeats them beside `choices` or `output`, as
      if the server had obeyed them.
    """

    fault: Literal["misread"] = "misread"
    without: Annotated[list[Path], Field(max_length=100)] = Field([])
    set: dict[str, Any] = Field({})
    fill: dict[str, Any] = Field({})
    echo: list[str] = Field([])

    def change(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of the request as it is read."""
        spend(len(repr(body)) // 20, "the request that a fault changes")
        changed: Any = copy.deepcopy(dict(body))
        for path in self.without:
            for node in reversed(find_nodes(path, changed)):
                if node.parts:
                    replace_at(changed, node.parts, None, drop=True)
        filled = {name: value for name, value in self.fill.items() if not changed.get(name)}
        return {**changed, **filled, **self.set}

    def echo_fault(self, body: Mapping[str, Any]) -> Json | None:
        """The fault that makes the reply repeat what was asked for; None if there is nothing to repeat."""
        members = {name: body[name] for name in self.echo if name in body}
        return Json.model_validate({"where": "$['choices', 'output']", "set": members}) if members else None
