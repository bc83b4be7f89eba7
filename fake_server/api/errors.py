"""Error replies in OpenAI's words: status, message, param and code.

Shapes and wording follow genuine responses of api.openai.com (2023-2026).
"""

from __future__ import annotations

from fake_server.api.reply import ErrorReply
from fake_server.wire.text import shorten

_SHOWN_OF_KEY = 4
_LONGEST_ECHO = 200
_CHALLENGE = {"www-authenticate": 'Bearer realm="OpenAI API"'}
NO_RETRY = {"x-should-retry": "false"}


def invalid_url(method: str, path: str) -> ErrorReply:
    """404 for an unknown path; as at OpenAI, a doubled slash makes a different path."""
    return ErrorReply(404, f"Invalid URL ({method} {_echo(path)})")


def not_played(method: str, path: str) -> ErrorReply:
    """404 for an endpoint that OpenAI has and this server does not."""
    seen = "GET /openapi.json lists what it plays"
    return ErrorReply(404, f"this fake does not play {method} {_echo(path)} yet: {seen}")


def method_not_allowed(method: str, path: str, allow: str) -> ErrorReply:
    """405 with the `Allow` header that RFC 9110 section 15.5.6 requires."""
    message = f"Not allowed to {method} on {_echo(path)} (HINT: use {allow} instead)"
    return ErrorReply(405, message, code="method_not_supported", headers={"allow": allow})


def no_web_socket(why: str) -> ErrorReply:
    """426 for a WebSocket where none is served; clients then ask by POST."""
    message = f"WebSocket mode is not served here ({why}): send the request by POST to the same path."
    return ErrorReply(426, message, code="websocket_not_supported", headers={"upgrade": "HTTP/1.1", **NO_RETRY})


def bad_handshake(status: int, why: str) -> ErrorReply:
    """A refusal of a WebSocket's handshake; 426 names the version that is served (RFC 6455 section 4.4)."""
    headers = {"upgrade": "websocket", "sec-websocket-version": "13"} if status in (400, 426) else {}
    return ErrorReply(status, why, code="invalid_handshake", headers=headers)


def missing_key() -> ErrorReply:
    """401 for a request without a key."""
    message = (
        "You didn't provide an API key. Send it in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY)."
    )
    return ErrorReply(401, message, code="invalid_api_key", headers=_CHALLENGE)


def wrong_key(key: str) -> ErrorReply:
    """401 for a wrong key, which the message repeats masked."""
    message = (
        f"Incorrect API key provided: {mask(key)}. "
        "You can find your API key at https://platform.openai.com/account/api-keys."
    )
    return ErrorReply(401, message, code="invalid_api_key", headers=_CHALLENGE)


def foreign_page(path: str) -> ErrorReply:
    """403 for what controls the server, asked by a page of another origin."""
    message = (
        f"A web page of another origin may not reach {_echo(path)}, which controls this server: "
        "ask from a program, as with curl, or from this server's own /docs."
    )
    return ErrorReply(403, message, code="foreign_origin")


def invalid_json(detail: str) -> ErrorReply:
    """400 for a body that is not JSON; `detail` says what is wrong and where."""
    return ErrorReply(400, f"We could not parse the JSON body of your request. (HINT: {detail})")


def body_too_large(limit: int) -> ErrorReply:
    """413; closes the connection, because the rest of the body is never read."""
    message = f"The request body is larger than this server accepts ({limit} bytes)."
    return ErrorReply(413, message, code="request_too_large", headers={"connection": "close"})


def body_too_slow(seconds: float) -> ErrorReply:
    """408; closes the connection, because the body never ended."""
    message = f"The request body did not arrive within {seconds:g} seconds."
    return ErrorReply(408, message, code="request_timeout", headers={"connection": "close", **NO_RETRY})


def unsupported_type(sent: str) -> ErrorReply:
    """400 for a body whose content type is not JSON, as in https://github.com/openai/openai-openapi/issues/502."""
    message = (
        f"Unsupported content type: '{_echo(sent)}'. This API method only accepts 'application/json' requests, but you "
        f"specified the header 'Content-Type: {_echo(sent)}'. Please try again with a supported content type."
    )
    return ErrorReply(400, message, code="unsupported_content_type")


def unsupported_encoding(sent: str) -> ErrorReply:
    """415 for a compressed body."""
    message = f"Unsupported content encoding: '{_echo(sent)}'. Send the body without compression."
    code, headers = "unsupported_content_encoding", {"accept-encoding": "identity"}
    return ErrorReply(415, message, code=code, headers=headers)


def model_not_found(model: str) -> ErrorReply:
    """404 for a chat request with an unknown model."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ErrorReply(404, message, code="model_not_found")


def no_model_for_responses(model: str) -> ErrorReply:
    """400 for a response by an unknown model, which chat answers with 404 (genuine recordings)."""
    message = f"The requested model '{_echo(model)}' does not exist."
    return ErrorReply(400, message, param="model", code="model_not_found")


def not_a_chat_model() -> ErrorReply:
    """404 for a chat request with a model that only completes text."""
    message = (
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
        "Did you mean to use v1/completions?"
    )
    return ErrorReply(404, message, param="model")


def not_a_completion_model() -> ErrorReply:
    """404 for a text completion with a chat model."""
    message = (
        "This is a chat model and not supported in the v1/completions endpoint. "
        "Did you mean to use v1/chat/completions?"
    )
    return ErrorReply(404, message, param="model")


def not_allowed(action: str) -> ErrorReply:
    """403 for a completion with an embedding model (`sample`), or the reverse (`generate embeddings`)."""
    return ErrorReply(403, f"You are not allowed to {action} from this model")


def no_such_model(model: str) -> ErrorReply:
    """404 for GET /models/{id} with an unknown model."""
    message = f"The model '{_echo(model)}' does not exist"
    return ErrorReply(404, message, param="model", code="model_not_found")


def no_such_completion(name: str) -> ErrorReply:
    """404 for an unknown stored chat completion."""
    message = f"No chat completion was found with the id '{_echo(name)}'."
    return ErrorReply(404, message, param="completion_id")


def no_such_response(name: str) -> ErrorReply:
    """404 for an unknown response, one that was not stored included."""
    return ErrorReply(404, f"Response with id '{_echo(name)}' not found.")


def no_previous_response(name: str) -> ErrorReply:
    """400 for a response that is to go on from an unknown one."""
    message = f"Previous response with id '{_echo(name)}' not found."
    return ErrorReply(400, message, param="previous_response_id", code="previous_response_not_found")


def no_such_conversation(name: str) -> ErrorReply:
    """404 for an unknown conversation."""
    return ErrorReply(404, f"Conversation with id '{_echo(name)}' not found.")


def no_such_item(name: str) -> ErrorReply:
    """404 for an unknown item of a conversation or of a response's input."""
    return ErrorReply(404, f"Item with id '{_echo(name)}' not found.")


def no_item_to_refer_to(name: str) -> ErrorReply:
    """404 for a reference in the input to an item that is not stored."""
    message = (
        f"Item with id '{_echo(name)}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input."
    )
    return ErrorReply(404, message, param="input")


def synchronous_response() -> ErrorReply:
    """400 for cancelling a response that is not worked for in the background."""
    return ErrorReply(400, "Cannot cancel a synchronous response.")


def cancelled_response(name: str) -> ErrorReply:
    """400 for the stream of a response that was cancelled, for which there is no event."""
    return ErrorReply(400, f"Response with id '{_echo(name)}' was cancelled and cannot be streamed.", param="stream")


def duplicate_item(name: str, param: str) -> ErrorReply:
    """400 for an item that is there already."""
    again = "Remove duplicate items from your input and try again."
    return ErrorReply(400, f"Duplicate item found with id {_echo(name)}. {again}", param=param)


def wrong_id(param: str, value: str, prefix: str) -> ErrorReply:
    """400 for an id that cannot be one of its kind."""
    message = f"Invalid '{param}': '{_echo(value)}'. Expected an ID that begins with '{prefix}'."
    return ErrorReply(400, message, param=param, code="invalid_value")


def storage_full(why: str) -> ErrorReply:
    """507 for what a test adds where there is no room; nothing that was added before is given up for it."""
    return ErrorReply(507, f"There is no room: {why}.", type="server_error", code="storage_full", headers=NO_RETRY)


def busy(why: str) -> ErrorReply:
    """503 for a request whose bytes do not fit beside those that are in flight; it may be made again soon."""
    message = f"The server is overloaded: {why}. Please try again in a second."
    return ErrorReply(503, message, type="server_error", code="overloaded", headers={"retry-after": "1"})


def too_much(why: str) -> ErrorReply:
    """400 for a request that costs more than one request may; `why` names what was too much and the bound."""
    return ErrorReply(400, f"This request is too expensive: {why}.", code="request_too_expensive", headers=NO_RETRY)


def server_error() -> ErrorReply:
    """500; the cause is written to the server's log only."""
    message = "The server had an error while processing your request. Sorry about that!"
    return ErrorReply(500, message, type="server_error", headers=NO_RETRY)


def mask(key: str) -> str:
    """Mask a key for messages: a long key keeps its first and last characters, a short one becomes stars."""
    if len(key) < 5 * _SHOWN_OF_KEY:
        return "*" * min(max(len(key), 4), 12)
    return f"{key[:_SHOWN_OF_KEY]}{'*' * 8}{key[-_SHOWN_OF_KEY:]}"


def _echo(text: str) -> str:
    return shorten(text, _LONGEST_ECHO)
