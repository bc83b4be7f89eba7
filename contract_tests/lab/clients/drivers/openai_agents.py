# mypy: ignore-errors
"""OpenAI's Agents SDK, as its guides use it; reads and answers one JSON object a line.

Responses and chats are asked by Runner.run and Runner.run_streamed, with the fixture's functions as tools. A run ends
after the first answer: what it would ask once the tools have run is not of the fixture. A question with a `turn` is
asked on to the end: with the whole `history`, or with the id of the `previous` response. Nothing else is asked.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from typing import Any

import openai
import pydantic
from agents import (
    Agent,
    ItemHelpers,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.tool_context import ToolContext
from openai_python import describe_error, make_type

MODELS = {"responses": OpenAIResponsesModel, "chat": OpenAIChatCompletionsModel}
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool}


def main() -> None:
    set_tracing_disabled(True)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            answer = {"result": asyncio.run(ask(**json.loads(line)))}
        except openai.APIStatusError as error:
            answer = {"error": type(error).__name__, "said": describe_error(error)}
        except Exception as error:
            answer = {"error": type(error).__name__, "said": {"message": str(error)}}
        print(json.dumps(answer, default=str), flush=True)


async def ask(base_url: str, kind: str, body: dict[str, Any], turn: str = "") -> Any:
    if kind not in MODELS:
        return None
    calls = []
    functions = [tool.get("function") or tool for tool in body.get("tools") or []]
    layout = (body.get("text") or {}).get("format") or (body.get("response_format") or {}).get("json_schema") or {}
    schema = layout.get("schema")
    plain = openai.DefaultAsyncHttpxClient(verify=False)  # 0.1 s less than to load certificates that nobody asks for
    async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-any", max_retries=0, http_client=plain) as client:
        asked = Agent(
            name="contract",
            instructions=read_instructions(body),
            model=MODELS[kind](model=body["model"], openai_client=client),
            tools=[make_tool(function, calls) for function in functions if "parameters" in function],
            tool_use_behavior="run_llm_again" if turn else "stop_on_first_tool",
            output_type=make_type(schema, "Answer") if schema else None,
        )
        if turn:
            run = await Runner.run(asked, "Say hello.", max_turns=2, auto_previous_response_id=turn == "previous")
            return {"text": run.final_output}
        if not body.get("stream"):
            return read_run(await Runner.run(asked, "Say hello.", max_turns=1), calls, schema)
        run = Runner.run_streamed(asked, "Say hello.", max_turns=1)
        streamed = ""
        async for event in run.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                streamed += event.data.delta
        return {**read_run(run, calls, schema), "streamed": streamed}


def read_instructions(body: dict[str, Any]) -> str | None:
    """What the model is told before anybody speaks, if the question has it."""
    told = [message["content"] for message in body.get("messages") or () if message.get("role") == "system"]
    return body.get("instructions") or (told[0] if told else None)


def make_tool(function: dict[str, Any], calls: list[Any]) -> Any:
    """The tool that an application would declare; it notes how it is called."""

    members = {"context": ToolContext}
    for name, value in function["parameters"].get("properties", {}).items():
        members[name] = TYPES.get(value.get("type"), str)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind, annotation=annotation) for name, annotation in members.items()]

    def call(context: ToolContext, *values: Any) -> str:
        calls.append([context.tool_call_id, function["name"], dict(zip(list(members)[1:], values, strict=True))])
        return "4"

    call.__signature__ = inspect.Signature(parameters, return_annotation=str)
    call.__annotations__ = {**members, "return": str}
    return function_tool(call, name_override=function["name"])


def read_run(run: Any, calls: list[Any], schema: Any) -> dict[str, Any]:
    """`{id, choices, items, annotations, reasoning, usage, parsed}`: what the run's result shows."""
    (reply,) = run.raw_responses
    messages = [item.raw_item for item in run.new_items if item.type == "message_output_item"]
    parts = [part for message in messages for part in message.content]
    order = [item.call_id for item in reply.output if item.type == "function_call"]
    calls.sort(key=lambda call: order.index(call[0]))  # they run side by side, in any order
    outputs = [item.raw_item for item in run.new_items if item.type == "tool_call_output_item"]
    run_well = [call[0] for call in calls]
    made = [item for item in run.new_items if item.type != "tool_call_output_item"]
    used = reply.usage
    final = run.final_output
    return {
        "id": reply.response_id,
        "choices": [
            {
                "text": ItemHelpers.text_message_outputs(run.new_items),
                "refusal": "".join(part.refusal for part in parts if part.type == "refusal"),
                "calls": calls,
                "invalid calls": [[out["call_id"], out["output"]] for out in outputs if out["call_id"] not in run_well],
            }
        ],
        "items": [[item.type, getattr(item.raw_item, "id", None)] for item in made],
        "annotations": [note.type for part in parts for note in getattr(part, "annotations", None) or []],
        "reasoning": [
            ["".join(part.text for part in item.summary), item.encrypted_content]
            for item in reply.output
            if item.type == "reasoning"
        ],
        "usage": [
            *(used.input_tokens, used.output_tokens, used.total_tokens),
            *(used.input_tokens_details.cached_tokens, used.output_tokens_details.reasoning_tokens),
        ],
        "parsed": final.model_dump() if schema and isinstance(final, pydantic.BaseModel) else None,
    }


if __name__ == "__main__":
    main()
