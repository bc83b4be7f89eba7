"""Chat reply bodies, with the component names of the API reference."""

from __future__ import annotations

from fake_server.api.validate.chat import METADATA
from fake_server.api.validate.checks import anything, boolean, integer, number, one_of, string
from fake_server.api.validate.containers import array, by_type, mapping, members, nullable
from fake_server.api.validate.tools import CALL, LEGACY_CALL

TEXT = string()
TEXT_OR_NULL = nullable(TEXT)
COUNT = integer(0)
SECONDS = integer().documented("Unix seconds.")
_FINISH = one_of("stop", "length", "tool_calls", "content_filter", "function_call")
_OBJECTS = array(members())
COMPLETION_ID = {"id": TEXT, "created": SECONDS, "model": TEXT}
FINGERPRINT = {"system_fingerprint": TEXT}

USAGE = members(
    {"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT},
    {
        "prompt_tokens_details": members({"cached_tokens": COUNT, "audio_tokens": COUNT}).named(
            "PromptTokensDetails"
        ),
        "completion_tokens_details": members(
            {
                "reasoning_tokens": COUNT,
                "audio_tokens": COUNT,
                "accepted_prediction_tokens": COUNT,
                "rejected_prediction_tokens": COUNT,
            }
        ).named("CompletionTokensDetails"),
    },
).named("CompletionUsage", "Token counts; the total is the sum of the other two.")

_TOKEN = {"token": TEXT, "logprob": number(), "bytes": nullable(array(integer()))}
_TOKENS = nullable(
    array(
        members({**_TOKEN, "top_logprobs": array(members(_TOKEN).named("TopLogprob"))}).named(
            "ChatCompletionTokenLogprob", "A token with its log probability and likely alternatives."
        )
    )
)
_LOGPROBS = nullable(members({"content": _TOKENS, "refusal": _TOKENS}).named("ChatCompletionLogprobs"))

_MESSAGE = members(
    {"role": one_of("assistant"), "content": TEXT_OR_NULL, "refusal": TEXT_OR_NULL},
    {
        "tool_calls": array(CALL),
        "annotations": _OBJECTS,
        "function_call": LEGACY_CALL,
        "reasoning_content": TEXT.documented("Not sent by OpenAI; scripts may set it, as other servers do."),
    },
).named("ChatCompletionResponseMessage", "The answer.")
_COMPLETION = {
    **COMPLETION_ID,
    "object": one_of("chat.completion"),
    "choices": array(
        members({"index": COUNT, "message": _MESSAGE, "logprobs": _LOGPROBS, "finish_reason": _FINISH}).named(
            "ChatCompletionChoice"
        )
    ),
    "usage": USAGE,
}
_COMPLETION_EXTRAS = {**FINGERPRINT, "service_tier": TEXT}
COMPLETION = members(_COMPLETION, _COMPLETION_EXTRAS).named("ChatCompletion", "A complete answer.")
STORED_COMPLETION = members(
    {
        **_COMPLETION,
        "metadata": METADATA,
        "tool_choice": nullable(by_type("a string or an object", string=anything, object=members())),
        "seed": nullable(integer()),
        "top_p": number(),
        "temperature": number(),
        "presence_penalty": number(),
        "frequency_penalty": number(),
        "tools": nullable(_OBJECTS),
        "response_format": nullable(members()),
        "input_user": TEXT_OR_NULL,
    },
    _COMPLETION_EXTRAS,
).named("StoredChatCompletion", "A stored answer, which repeats some members of its request.")

_FUNCTION_PIECE = members({}, {"name": TEXT, "arguments": TEXT}).named("FunctionSaid")
_CALL_PIECE = members(
    {"index": COUNT},
    {
        "id": TEXT,
        "type": one_of("function", "custom"),
        "function": _FUNCTION_PIECE,
        "custom": mapping(TEXT),
    },
).named(
    "ChatCompletionMessageToolCallChunk",
    "A piece of a tool call; the first has id, type and name, and the arguments are concatenated.",
)
_DELTA = members(
    {},
    {
        "role": one_of("assistant"),
        "content": TEXT_OR_NULL,
        "refusal": TEXT_OR_NULL,
        "tool_calls": array(_CALL_PIECE),
        "annotations": _OBJECTS,
        "function_call": _FUNCTION_PIECE,
        "reasoning_content": TEXT,
    },
).named("ChatCompletionStreamResponseDelta", "What this chunk adds.")
CHUNK = members(
    {
        **COMPLETION_ID,
        "object": one_of("chat.completion.chunk"),
        "choices": array(
            members(
                {"index": COUNT, "delta": _DELTA, "finish_reason": nullable(_FINISH)},
                {"logprobs": _LOGPROBS},
            ).named("ChatCompletionChunkChoice")
        ),
    },
    {
        **FINGERPRINT,
        "usage": nullable(USAGE).documented(
            "In the last chunk, which has no `choices`, if `stream_options` ask for it."
        ),
        "service_tier": TEXT,
        "obfuscation": TEXT.documented("Padding that hides the length of the chunk's text."),
    },
).named("ChatCompletionChunk", "One event of a streamed answer; `data: [DONE]` is the last.")

_PAGE = {
    "object": one_of("list"),
    "first_id": TEXT_OR_NULL,
    "last_id": TEXT_OR_NULL.documented("The `after` of the next page."),
    "has_more": boolean,
}
COMPLETION_LIST = members({**_PAGE, "data": array(STORED_COMPLETION)}).named(
    "ChatCompletionList", "Stored completions."
)
_STORED_MESSAGE = members(
    {
        "id": TEXT,
        "role": TEXT,
        "content": TEXT_OR_NULL,
        "name": TEXT_OR_NULL,
        "content_parts": nullable(_OBJECTS),
    },
    {"refusal": TEXT, "tool_calls": array(CALL), "tool_call_id": TEXT, "function_call": LEGACY_CALL},
).named("ChatCompletionStoreMessage", "A message of the request that a stored completion answered.")
MESSAGE_LIST = members({**_PAGE, "data": array(_STORED_MESSAGE)}).named(
    "ChatCompletionMessageList", "The messages that a stored completion answered."
)
DELETED = members(
    {"object": one_of("chat.completion.deleted"), "id": TEXT, "deleted": boolean.documented(const=True)}
).named("ChatCompletionDeleted")
