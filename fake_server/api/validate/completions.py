"""The members of a text completion request as a table, and the checks across members.

Source: the API reference of completions; members are nullable if it or genuine traffic has null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_server.api import tokens
from fake_server.api.reply import ErrorReply
from fake_server.api.validate.chat import MEMBERS as CHAT
from fake_server.api.validate.chat import check_stream_options
from fake_server.api.validate.checks import Check, Invalid, boolean, echo, integer, string, wrong_type
from fake_server.api.validate.containers import array, find_refusal, nullable

REQUIRED: Mapping[str, Check] = {"model": CHAT["model"]}
LAST_TOKEN = 100_257
"""The largest token number the models accept, according to a genuine error message."""
MOST_PROMPTS = 2048
MOST_CHOICES = 2048
"""Choices per response; this server's own limit."""
CONTEXT_SIZES = {"gpt-3.5-turbo-instruct": 4097, "davinci-002": 16_384, "babbage-002": 16_384}
"""OpenAI's text completion models and their context sizes: tokens of prompt and completion together."""
DEFAULT_TOKENS = 16
_SHARED = (
    "stream", "stream_options", "n", "stop", "temperature", "top_p", "frequency_penalty", "presence_penalty",
    "logit_bias", "seed", "user",
)  # fmt: skip


def _validate_texts_or_tokens(value: Any, path: str) -> None:
    """A string, an array of strings, an array of tokens, or an array of arrays of tokens."""
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type(path, "one of a string or an array", value)
    if not value:
        raise malformed(path)
    if isinstance(value[0], str):
        array(string()).validate(value, path)
    elif isinstance(value[0], list):
        array(_TOKENS, most=MOST_PROMPTS).validate(value, path)
    else:
        _validate_tokens(value, path)


def malformed(path: str) -> Invalid:
    """OpenAI's error for an empty array or an empty string in one, which names only the path."""
    reference = "https://platform.openai.com/docs/api-reference"
    return Invalid(f"'$.{path}' is invalid. Please check the API reference: {reference}.")


def _validate_tokens(value: Any, path: str) -> None:
    array(integer(), expected="an array of integers").validate(value, path)
    name = path.partition("[")[0]
    if not value:
        raise malformed(name)
    for token in value:
        if not 0 <= token <= LAST_TOKEN:
            bounds = f"Minimum value is 0, maximum value is {LAST_TOKEN} (inclusive)."
            raise Invalid(f"Invalid token in {name}: {echo(token)}. {bounds}")


_TOKENS = Check(_validate_tokens, array(integer(0, LAST_TOKEN), least=1).schema)
_FORMS = (string(), array(string(), 1, MOST_PROMPTS), _TOKENS, array(_TOKENS, 1, MOST_PROMPTS))
TEXTS_OR_TOKENS = Check(_validate_texts_or_tokens, {"anyOf": _FORMS})


def check_context(limit: int, prompt: int, completion: int) -> None:
    """Raise Invalid if the tokens of prompt and completion together exceed the context size `limit`."""
    if prompt + completion > limit:
        message = (
            f"This model's maximum context length is {limit} tokens, however you requested "
            f"{prompt + completion} tokens ({prompt} in your prompt; {completion} for the completion). "
            "Please reduce your prompt; or completion length."
        )
        raise Invalid(message)


MEMBERS: Mapping[str, Check] = {
    **REQUIRED,
    **{name: CHAT[name] for name in _SHARED},
    "prompt": nullable(TEXTS_OR_TOKENS).documented("The beginning as text or tokens, or several of them."),
    "max_tokens": nullable(integer(0)).documented("The maximum tokens of a choice; 16 by default."),
    "best_of": nullable(integer(0, 20)).documented("How many candidates to generate for `n` choices."),
    "echo": nullable(boolean).documented("Start each choice with its prompt."),
    "logprobs": nullable(integer(0, 5)).documented("How many alternatives to return for each token."),
    "suffix": nullable(string()),
}


def validate_completion(request: Mapping[str, Any]) -> ErrorReply | None:
    """Return the 400 for a text completion request that OpenAI would refuse, None for a valid one."""
    return find_refusal(request, REQUIRED, MEMBERS, check_stream_options, _check_combinations)


def _check_combinations(request: Mapping[str, Any]) -> None:
    candidates, choices_per_prompt = request.get("best_of"), request.get("n") or 1
    if candidates and choices_per_prompt > candidates:
        needed = f"at least 'n' ({choices_per_prompt}): it counts the candidates for them"
        raise Invalid(f"'best_of' ({candidates}) must be {needed}.", "best_of")
    if (candidates or 1) > 1 and request.get("stream"):
        raise Invalid("'best_of' above 1 cannot be streamed.", "best_of")
    model = request["model"]
    scores_prompt = request.get("echo") and request.get("logprobs") is not None
    if scores_prompt and model.startswith("gpt-3.5-turbo-instruct"):
        raise Invalid("Setting 'echo' and 'logprobs' at the same time is not supported for this model.")
    prompts = [] if request.get("prompt") is None else tokens.prompt_texts(request["prompt"])
    array(string(), most=MOST_PROMPTS).validate(prompts, "prompt")
    choices = len(prompts) * max(choices_per_prompt, candidates or 1)
    if choices > MOST_CHOICES:
        message = f"This server makes at most {MOST_CHOICES} choices at once; {choices} are asked for."
        raise Invalid(message, "n")
    if model in CONTEXT_SIZES:
        longest = max(map(tokens.count, prompts), default=0)
        max_tokens = request.get("max_tokens")
        check_context(CONTEXT_SIZES[model], longest, DEFAULT_TOKENS if max_tokens is None else max_tokens)
