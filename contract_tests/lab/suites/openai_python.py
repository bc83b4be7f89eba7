# mypy: ignore-errors
"""A generation of the official SDK for Python against the fake at FAKE_URL: a line a check, `ok` or `not ok`.

It runs in the environment of that generation, so it imports nothing of the kit.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback

import openai
from pydantic import BaseModel

URL = os.environ["FAKE_URL"]
MODEL = "gpt-4o-mini"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Event(BaseModel):
    name: str
    people: list[str]


def question(text, **options):
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **options}


def helpers(client):
    """Where `stream` and `parse` are: below `beta` in the first generation."""
    return client.chat.completions if hasattr(client.chat.completions, "parse") else client.beta.chat.completions


def fault(text):
    return {"extra_headers": {"x-fake-fault": text}}


async def chat(client, do):
    reply = await do(client.chat.completions.create(**question("Repeat after me: ett två")))
    assert reply.choices[0].message.content == "ett två"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


async def stream(client, do):
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = await collect(await do(client.chat.completions.create(**question("Repeat after me: ett två", **options))))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "ett två"
    assert chunks[-1].usage.total_tokens > 0


async def stream_helper(client, do):
    manager = helpers(client).stream(**question("Repeat after me: one two"))
    if hasattr(manager, "__aenter__"):
        async with manager as running:
            kinds = [event.type async for event in running]
            final = await running.get_final_completion()
    else:
        with manager as running:
            kinds = [event.type for event in running]
            final = running.get_final_completion()
    assert final.choices[0].message.content == "one two"
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)


async def parse(client, do):
    reply = await do(helpers(client).parse(**question("Anna and Bo meet.", response_format=Event)))
    assert isinstance(reply.choices[0].message.parsed, Event)


async def tools(client, do):
    options = {"tools": [WEATHER], "tool_choice": "required"}
    reply = await do(helpers(client).parse(**question("What is the weather in Oslo?", **options)))
    (call,) = reply.choices[0].message.tool_calls
    assert json.loads(call.function.arguments)["city"]
    chunks = await collect(
        await do(client.chat.completions.create(**question("weather in Oslo?", stream=True, **options)))
    )
    pieces = [
        chunk.choices[0].delta.tool_calls[0] for chunk in chunks if chunk.choices and chunk.choices[0].delta.tool_calls
    ]
    assert json.loads("".join(piece.function.arguments or "" for piece in pieces))["city"]


async def embeddings(client, do):
    packed = await do(client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]))
    short = await do(
        client.embeddings.create(model="text-embedding-3-small", input="a", dimensions=8, encoding_format="float")
    )
    assert (len(packed.data[1].embedding), len(short.data[0].embedding)) == (1536, 8)


async def models(client, do):
    page = client.models.list()
    names = [model.id for model in await collect(page)]
    assert MODEL in names
    assert (await do(client.models.retrieve(MODEL))).object == "model"


async def completions(client, do):
    text = await do(client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once", max_tokens=5))
    assert text.choices[0].text
    judged = await do(client.moderations.create(input="I want to harm the robots"))
    assert judged.results[0].flagged


async def errors(client, do):
    kinds = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        409: openai.ConflictError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
        500: openai.InternalServerError,
        503: openai.InternalServerError,
    }
    for status, kind in kinds.items():
        error = await error_of(
            do,
            lambda s=status: client.chat.completions.create(**question("hi"), **fault(f"error;status={s}")),
        )
        assert isinstance(error, kind), (status, error)
        assert error.type
        assert error.request_id.startswith("req_")


async def broken_streams(client, do):
    for text, kind in (("cut;after_events=2", Exception), ("error-event", openai.APIError)):
        running = await do(client.chat.completions.create(**question("hi", stream=True), **fault(text)))
        try:
            await collect(running)
        except kind:
            continue
        raise AssertionError(f"{text} went unnoticed")


async def collect(items):
    return [item async for item in items] if hasattr(items, "__aiter__") else list(items)


async def error_of(do, call):
    try:
        await do(call())
    except openai.OpenAIError as error:
        return error
    return None


CHECKS = (chat, stream, stream_helper, parse, tools, embeddings, models, completions, errors, broken_streams)


async def run(name, client, do):
    failed = 0
    for check in CHECKS:
        try:
            await check(client, do)
            print(f"ok      {name}, {check.__name__}")
        except Exception:
            failed += 1
            print(f"not ok  {name}, {check.__name__}: {traceback.format_exc().strip().splitlines()[-1]}")
    return failed


async def main():
    options = {"base_url": f"{URL}/v1", "api_key": "sk-fake", "max_retries": 0}

    async def at_once(value):
        return value

    async def later(value):
        return await value

    with openai.OpenAI(**options) as client:
        failed = await run("sync", client, at_once)
    async with openai.AsyncOpenAI(**options) as client:
        failed += await run("async", client, later)
    return failed


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main()) else 0)
