# mypy: ignore-errors
"""LangChain's ChatOpenAI, OpenAI and OpenAIEmbeddings, as their guides use them; one JSON object a line."""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from typing import Any

from langchain_core.messages import convert_to_messages
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings

warnings.simplefilter("ignore")


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer: dict[str, Any] = {"result": ask(question)}
        except Exception as error:
            answer = {"error": type(error).__name__, "said": describe_error(error)}
        print(json.dumps(answer, default=str), flush=True)


def describe_error(error: Exception) -> dict[str, Any]:
    if not hasattr(error, "status_code"):
        return {"message": str(error)}
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    known = {"status": error.status_code, "code": error.code, "message": message}
    return {**known, "type": error.type, "param": error.param}


def ask(question: dict[str, Any]) -> Any:
    kind, body = question["kind"], dict(question["body"])
    options = {
        "base_url": question["base_url"],
        "api_key": "sk-any",
        "max_retries": 0,
        "model": body.pop("model"),
    }
    stream = body.pop("stream", False)
    if kind == "embeddings":
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        more = {name: body[name] for name in ("dimensions",) if name in body}
        client = OpenAIEmbeddings(check_embedding_ctx_length=False, **options, **more)
        return {"vectors": client.embed_documents(texts)}
    if kind == "completions":
        return ask_completions(options, body, stream)
    if kind == "responses":
        return ask_responses(options, body, stream)
    if kind != "chat":
        return None
    messages = convert_to_messages(body.pop("messages"))
    if "stream_options" in body:
        options["stream_usage"] = bool(body.pop("stream_options").get("include_usage"))
    model = ChatOpenAI(**options).bind(**body)
    single = body.get("n", 1) == 1
    if not stream:
        return read_message(model.invoke(messages), single)
    whole: Any = None
    for chunk in model.stream(messages):
        whole = chunk if whole is None else whole + chunk
    return read_message(whole, single)


def ask_responses(options: dict[str, Any], body: dict[str, Any], stream: bool) -> Any:
    messages = body.pop("input")
    model = ChatOpenAI(use_responses_api=True, **options).bind(**body)
    messages = messages if isinstance(messages, str) else convert_to_messages(messages)
    if not stream:
        return read_response(model.invoke(messages))
    whole: Any = None
    try:
        for chunk in model.stream(messages):
            whole = chunk if whole is None else whole + chunk
    except ValueError as error:
        code = FAILED.match(str(error))
        if not code:
            raise
        return {"choices": [], "finish": ["failed", code[1] or code[2]]}
    return read_response(whole)


FAILED = re.compile(r"ResponseError\(code='(\w+)'|(\w+): ")
"""How the ValueError begins that tells of a Response that failed, or of an error in its stream, with its code."""


def read_response(message: Any) -> Any:
    """What the message holds, by the names that other drivers give to the members of a Response."""
    if message is None:
        return {"choices": []}
    blocks = [block if isinstance(block, dict) else {"type": "text", "text": block} for block in message.content]
    texts = [block for block in blocks if block["type"] == "text"]
    metadata = message.response_metadata
    choice = {
        "text": message.text,
        "refusal": "".join(block["refusal"] for block in blocks if block["type"] == "refusal"),
        "calls": [[call["id"], call["name"], call["args"]] for call in message.tool_calls],
        "invalid calls": [[call["id"], call["name"], call["args"]] for call in message.invalid_tool_calls],
    }
    used = message.usage_metadata
    return {
        **{"id": metadata.get("id"), "created": metadata.get("created_at"), "model": metadata.get("model_name")},
        "finish": [metadata.get("status"), metadata.get("incomplete_details")],
        "choices": [choice],
        "items": [[block["type"], block.get("id")] for block in blocks],
        "annotations": [note for block in texts for note in block.get("annotations") or []],
        "reasoning": [
            [block.get("summary"), block.get("encrypted_content")] for block in blocks if block["type"] == "reasoning"
        ],
        "usage": used and [used[name] for name in ("input_tokens", "output_tokens", "total_tokens")],
        "parsed": message.additional_kwargs.get("parsed"),
    }


def ask_completions(options: dict[str, Any], body: dict[str, Any], stream: bool) -> Any:
    prompts = body.pop("prompt")
    prompts = prompts if isinstance(prompts, list) else [prompts]
    body.pop("stream_options", None)
    model = OpenAI(**options)
    if stream:
        return {"choices": [{"text": "".join(model.stream(prompts[0], **body))}]}
    generated = model.generate(prompts, **body)
    return {"choices": [{"text": text.text} for group in generated.generations for text in group]}


def read_message(message: Any, single: bool) -> Any:
    """What the message holds; LangChain keeps `id` and `model` only of a reply with a single choice."""
    if message is None:
        return {"choices": []}
    calls = [[call["id"], call["name"], call["args"]] for call in message.tool_calls]
    wrong = [[call["id"], call["name"], call["args"]] for call in message.invalid_tool_calls]
    metadata = message.response_metadata
    used = message.usage_metadata
    content = message.content
    choice = {
        "role": message.type,
        "text": content if isinstance(content, str) else json.dumps(content),
        "calls": calls,
        "invalid calls": wrong,
        "refusal": message.additional_kwargs.get("refusal"),
        "function_call": message.additional_kwargs.get("function_call"),
        "finish": metadata.get("finish_reason"),
        "tokens": metadata.get("logprobs") and read_tokens(metadata["logprobs"]["content"]),
    }
    usage = used and [used["input_tokens"], used["output_tokens"], used["total_tokens"]]
    head = {"id": metadata.get("id"), "model": metadata.get("model_name")} if single else {"id": None, "model": None}
    return {**head, "choices": [choice], "usage": usage}


def read_tokens(content: Any) -> Any:
    return [
        [item["token"], math.exp(item["logprob"]), [other["token"] for other in item["top_logprobs"]]]
        for item in content or []
    ]


if __name__ == "__main__":
    main()
