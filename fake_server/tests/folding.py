"""Fold the events of a streamed response into the object that they tell, and check their grammar on the way."""

from __future__ import annotations

import json
from typing import Any

from fake_server.wire import sse

ENDS = ("response.completed", "response.incomplete", "response.failed")
TEXTS = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text"}
INPUTS = {
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.code_interpreter_call_code": "code",
    "response.mcp_call_arguments": "arguments",
}


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The data of each event, which is named as its `type`; there is no `[DONE]`."""
    events = []
    for event in sse.decode(stream):
        if event.data is not None:
            events.append(json.loads(event.data))
            name = next(line.data for line in event.lines if line.data.startswith(b"event:"))
            assert name.removeprefix(b"event:").strip().decode() == events[-1]["type"]
    return events


class Folded:
    """What a stream told: its finished object, and the items that its deltas add up to."""

    def __init__(self, stream: bytes) -> None:
        self.events = events_of(stream)
        self.types = [event["type"] for event in self.events]
        assert [event["sequence_number"] for event in self.events] == list(range(len(self.events)))
        assert self.types[0] == "response.created"
        assert self.types[1] in ("response.in_progress", "response.queued")
        assert [kind for kind in self.types if kind in ENDS] == self.types[-1:]
        self.response: dict[str, Any] = self.events[-1]["response"]
        self.items: list[dict[str, Any]] = []
        self._done: set[int] = set()
        for event in self.events:
            self._take(event)
        assert self._done == set(range(len(self.items)))

    def _take(self, event: dict[str, Any]) -> None:
        kind, place = event["type"], event.get("output_index")
        snapshot = event.get("response")
        if snapshot is not None and kind not in ENDS:
            assert (snapshot["output"], snapshot["usage"]) == ([], None)
            assert snapshot["status"] in ("queued", "in_progress")
            assert all(snapshot[name] == self.response[name] for name in ("id", "created_at", "model"))
        if place is None:
            return
        if kind == "response.output_item.added":
            assert place == len(self.items)
            self.items.append(json.loads(json.dumps(event["item"])))
            return
        item = self.items[place]
        assert place not in self._done
        if kind == "response.output_item.done":
            self._done.add(place)
            done = event["item"]
            assert (done["id"], done["type"]) == (item["id"], item["type"])
            told = [name for name in ("content", "summary", *INPUTS.values()) if item.get(name) is not None]
            assert {name: item[name] for name in told} == {name: done[name] for name in told}
            self.items[place] = done
            return
        if not kind.startswith("response.shell_call_command."):  # these name only the place, as the SDK has them
            assert event["item_id"] == item["id"]
        self._fill(item, kind, event)

    def _fill(self, item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
        base, _, step = kind.rpartition(".")
        if base in INPUTS:
            name = INPUTS[base]
            if step == "delta":
                assert event["delta"]
                item[name] += event["delta"]
            assert step == "delta" or item[name] == event[name]
        elif kind.startswith("response.reasoning_summary_"):
            self._fill_parts(item["summary"], event["summary_index"], kind, event, "text")
        elif "content_index" in event:
            part = event.get("part", {}).get("type") or item["content"][event["content_index"]]["type"]
            self._fill_parts(item["content"], event["content_index"], kind, event, TEXTS[part])

    def _fill_parts(self, parts: list[dict[str, Any]], index: int, kind: str, event: dict[str, Any], name: str) -> None:
        if kind.endswith("part.added"):
            assert index == len(parts)
            assert event["part"][name] == ""
            parts.append(event["part"])
        elif kind.endswith("annotation.added"):
            assert event["annotation_index"] == len(parts[index]["annotations"])
            parts[index]["annotations"].append(event["annotation"])
        elif kind.endswith(".delta"):
            assert event["delta"]
            parts[index][name] += event["delta"]
            parts[index].setdefault("seen", []).extend(event.get("logprobs", ()))
        elif kind.endswith("part.done"):
            seen = parts[index].pop("seen", [])
            part = event["part"]
            assert [score["token"] for score in part.get("logprobs", ())] == [score["token"] for score in seen]
            assert part[name] == parts[index][name]
            parts[index] |= {"logprobs": part["logprobs"]} if "logprobs" in part else {}
            assert parts[index] == part
        else:
            assert event[name] == parts[index][name]
