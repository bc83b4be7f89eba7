"""An app under test: it asks for the weather, calls the tool that the model wants, and prints the answer."""

import json
import os
import urllib.request
from typing import Any

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def ask(messages: list[dict[str, Any]]) -> Any:
    body = {"model": "gpt-4o-mini", "messages": messages, "tools": [TOOL]}
    request = urllib.request.Request(  # noqa: S310
        f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        return json.load(reply)["choices"][0]["message"]


messages: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Oslo?"}]
message = ask(messages)
for call in message["tool_calls"]:
    city = json.loads(call["function"]["arguments"])["city"]
    messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": f"12 degrees in {city}"}]
print(ask(messages)["content"])
