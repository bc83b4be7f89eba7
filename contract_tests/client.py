"""Ask a server that speaks OpenAI for a poem about a tree and print the answer.

One file, one dependency: the official openai SDK of any generation (0.28.1, 1.x, 2.x, 3.x). The answer
goes to stdout, token by token while it streams; a failure is one line on stderr. OPENAI_API_KEY is sent and
never printed, "no-key-needed" stands in where it is empty; no proxy is used to loopback, no redirect to elsewhere.

exit codes:
  0    the answer is printed
  1    a fault of this program
  2    wrong use: an option, the key, the environment, or no openai SDK
  3    no connection: refused, unknown host, TLS, broken before a reply
  4    the server refused the request (status 3xx or 4xx)
  5    the server failed (status 5xx, or an error object instead of the answer or inside it)
  6    the answer broke off before its end
  7    the reply is no answer: empty, without text, JSON for a stream, a stream for JSON, HTML
  8    not done within --timeout
  9    more than --max-bytes, or one line of a stream above 1 MiB
  10   stdout cannot be written; 130 interrupted; 141 the reader closed stdout
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import queue
import re
import ssl
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

UNREAD = b"client.py: the time is over and nobody reads stdout; read it, or raise --timeout\n"
BASE_URL, PLACEHOLDER_KEY = "http://localhost:1337/v1", "no-key-needed"
MIB, KEPT = 1 << 20, 1 << 16  # KEPT: bytes kept of the start and of the end of a body, to explain a failure
URL = re.compile(r"https?://(?:[^/@]*@)?(\[[\da-fA-F:.]+\]|[^/:@\[\]?#\s]+)(?::(\d+))?(?:/[^?#\s]*)?")
LOOPBACK = re.compile(r"(.+\.)?localhost\.?|127(\.\d+){3}|0\.0\.0\.0|::1?|(0+:){7}0*1")
PATH = re.compile(r"(/(?![/\\])[!-~]*)?")  # that all SDKs and libraries read as one of the same server
DONE = re.compile(rb"[\r\n]data: ?\[DONE\]")
NO_BLANK_LINE = re.compile(rb"(?:^|[\r\n])data:[^\r\n]*(?:\r\n|\r|\n)data:")
UNSEEN = r"\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
HIDDEN = re.compile(rf"[{UNSEEN}]|(?<![^\0-\x7f{UNSEEN}\u200c\u200d])[\u200c\u200d]")


class Problem(Exception):
    """Why there is no answer; `args` are the exit code, and what happened and what to do in one line."""


class Talk:
    """What the last reply brought: its bytes, noted inside the SDK's HTTP library, and its tokens."""

    def __init__(self, options: argparse.Namespace, hand_on: Callable[[Any], None]) -> None:
        self.options, self.hand_on, self.sdk = options, hand_on, ""
        self.status, self.headers, self.head, self.tail = 0, dict[str, str](), b"", b"\n"
        self.events = self.total = self.size = self.line = 0  # total: bytes of all replies, line: since a line end
        self.ended = self.broken = self.done = self.text = self.finish = False
        self.late: Problem | None = None

    def watch(self, response: Any, reader: str) -> None:
        """Note what `response.<reader>()` yields, which is the body after any decompression."""
        self.status, self.headers = response.status_code, response.headers
        self.size, self.line, self.head, self.tail = 0, 0, b"", b"\n"
        read = getattr(response, reader)
        here, to = "/".join(str(response.url).split("/")[:3]), str(self.headers.get("location", ""))
        if self.status // 100 == 3 and not PATH.fullmatch(to.removeprefix(re.sub("//.*@", "//", here))):
            raise Problem(4, f"the server answered {self.status}, go to {to}; if that is right, give it as --base-url")

        def noted(*args: Any, **named: Any) -> Iterator[bytes]:
            try:
                for piece in read(*args, **named):
                    self.note(piece)
                    yield piece
                self.ended = True
            except Exception:
                self.broken = True
                response.close()
                raise

        setattr(response, reader, noted)

    def note(self, piece: bytes) -> None:
        self.total, self.size = self.total + len(piece), self.size + len(piece)
        self.head += piece[: KEPT - len(self.head)]
        self.done = self.done or DONE.search(self.tail[-16:] + piece) is not None
        self.tail = (self.tail + piece)[-KEPT:]
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        self.line = len(piece) - last - 1 + (self.line if last < 0 else 0)
        if self.late:
            raise self.late
        if self.total > self.options.max_bytes:
            raise Problem(9, f"the reply is too long: {self.total} bytes; mend it, or raise --max-bytes")
        if self.options.stream and self.line > MIB:
            raise Problem(9, "one line of the stream is longer than 1 MiB; mend the server")

    def read(self, reply: Any) -> None:
        """Pass on each token of the SDK's reply: a dict or model, or an iterator of them."""
        for item in reply if self.options.stream else [reply]:
            self.events += 1
            self.finish = self.finish or bool(dig(item, "choices", 0, "finish_reason"))
            content = dig(item, "choices", 0, "delta" if self.options.stream else "message", "content")
            if isinstance(content, str) and content:
                self.text = True
                self.hand_on(content)

    def too_late(self) -> None:
        state = f"the reply did not end{' after [DONE]' * self.done}, {self.size} bytes came"
        state = state if self.status else "no reply came" if self.sdk else "the openai SDK was still loading"
        self.late = Problem(8, f"{state} within {self.options.timeout:g} s; see why, or raise --timeout")
        self.hand_on(self.late)


def dig(value: Any, *path: str | int) -> Any:
    """Follow names and indexes through lists, dicts (openai 0.28) and models (1 and newer), else None."""
    for step in path:
        value = dict(enumerate(value)) if isinstance(value, list) else value
        value = value.get(step) if isinstance(value, dict) else getattr(value, str(step), None)
    return value


def error_text(body: bytes, *names: str) -> str | None:
    """The message that a JSON body holds in one of the members `names`."""
    with suppress(ValueError, RecursionError):
        data = json.loads(body)
        data = dig(data, 0) or data
        text = next((dig(data, name, "message") or dig(data, name) for name in names if dig(data, name)), None)
        return text if text is None or isinstance(text, str) else json.dumps(text)
    return None


def ask(options: argparse.Namespace, talk: Talk) -> None:
    """Ask through the SDK that is installed, whatever its generation; its timeout ends after too_late()."""
    try:
        openai: Any = importlib.import_module("openai")
    except ImportError as why:
        raise Problem(2, f"the openai SDK cannot be imported; run: pip install openai ({why})") from why
    talk.sdk = f"openai {openai.version.VERSION}"
    call = {"model": options.model, "messages": [{"role": "user", "content": options.prompt}], "stream": options.stream}
    if hasattr(openai, "OpenAI"):
        direct = {"trust_env": False, "verify": ssl.create_default_context()} if options.loopback else {}
        hooks = {"response": [lambda response: talk.watch(response, "iter_bytes")]}
        with openai.DefaultHttpxClient(event_hooks=hooks, **direct) as http:
            sdk = openai.OpenAI(base_url=options.url, api_key=options.key, max_retries=0, http_client=http)
            talk.read(sdk.chat.completions.create(**call, timeout=options.timeout + 1))
        return
    with importlib.import_module("requests").Session() as session:
        session.hooks["response"].append(lambda response, **_: talk.watch(response, "iter_content"))
        session.trust_env = not options.loopback
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
        openai.requestssession, openai.api_base, openai.api_key = session, options.url, options.key
        openai.api_key_path, openai.api_type, openai.api_version = None, "open_ai", None
        # Without timeout=0 this generation repeats a request answered 409 for ever and without a pause.
        talk.read(openai.ChatCompletion.create(**call, timeout=0, request_timeout=options.timeout + 1))


def verdict(causes: list[BaseException], talk: Talk) -> Problem | None:
    """What went wrong, by the bytes that came and what the SDK raised; None for a whole answer."""
    if own := next((cause for cause in causes if isinstance(cause, Problem)), None):
        return own
    status, streamed, retry = talk.status, talk.options.stream, str(talk.headers.get("retry-after"))
    refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
    why = f"{type(causes[-1]).__name__}: {causes[-1]}" if causes else "no finish_reason and no [DONE] came"
    place, count = talk.options.place, f"{talk.events} event{'s' * (talk.events != 1)}, {talk.size} bytes"
    words = error_text(talk.head, "error", "detail", "message") or talk.head.decode("utf-8", "replace")
    todo = {
        401: "set OPENAI_API_KEY to a key it accepts",
        404: "check --base-url (it usually ends in /v1) and --model",
        409: "ask again when the conflict is over (openai 0.28 left alone repeats a 409 for ever)",
        429: f"ask again in {retry} s" if retry.isdigit() else "ask again later, or check your quota",
    }.get(status, "see its log, or ask again later" if status >= 500 else "check --base-url and the request")
    whole = talk.finish or talk.done or not streamed
    parts = [talk.head, *(line.removeprefix(b"data:") for line in talk.tail.splitlines())]
    error = next(filter(None, (error_text(part, "error") for part in reversed(parts))), "")
    nothing = not talk.broken and not (talk.events if streamed else talk.text)
    rows = (
        (not status and refused, 3, f"{place} refused the connection; start the server or check --base-url"),
        (not status, 3, f"no reply from {place}; check --base-url, *_PROXY and what listens there ({why})"),
        (status // 100 != 2, 5 if status >= 500 else 4, f"the server answered {status}; {todo}: {words}"),
        (not causes and talk.text and whole, 0, "the answer is whole"),
        (error, 5, f"the server sent an error instead of the whole answer; see its log: {error}"),
        (nothing, 7, f"the reply (status {status}) {no_answer(talk)}"),
        (talk.broken or (talk.ended and not whole), 6, f"the answer broke off after {count}; see what cuts it ({why})"),
        (causes, 7, f"{talk.sdk} cannot read the reply; compare it with the API reference ({why})"),
        (True, 7, f"no text in choices[0].delta.content of {count}; see what the server sends"),
    )
    code, line = next((code, line) for hit, code, line in rows if hit)
    return Problem(code, line) if code else None


def no_answer(talk: Talk) -> str:
    """What is wrong with a 2xx reply in which the SDK found no text, by its first bytes."""
    kind, streamed = str(talk.headers.get("content-type") or "no content type"), talk.options.stream
    head = talk.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    events, is_json = re.search(rb"(?:^|[\r\n])data:", head), head.startswith((b"{", b"["))
    rows = (
        (not head, "is empty; see the server's log"),
        (head.startswith(b"<"), f"is HTML or XML ({kind}); check --base-url (it usually ends in /v1)"),
        (is_json and streamed, "is JSON although a stream was asked for; try --no-stream"),
        (is_json, "has no text in choices[0].message.content; see what the server puts there"),
        (events and not streamed, "is a stream although none was asked for; drop --no-stream"),
        (NO_BLANK_LINE.search(head), f"has no blank line after each event; {talk.sdk} needs it, mend that"),
        (events and "event-stream" not in kind, f"is a stream sent as {kind}; send it as text/event-stream"),
        (events, f"ended after {talk.size} bytes without any answer; see what cuts it short"),
        (True, f"is {kind}, no chat completion; check --base-url: {head.decode('utf-8', 'replace')}"),
    )
    return next(line for hit, line in rows if hit)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options. Raises SystemExit(2) after a usage line if one is wrong."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("client.py", None, __doc__, formatter_class=shape, allow_abbrev=False)
    url = os.environ.get("OPENAI_BASE_URL", "").strip() or BASE_URL
    parser.add_argument("--base-url", dest="url", default=url, help=f"else OPENAI_BASE_URL, else {BASE_URL}")
    parser.add_argument("--model", default="gpt-3.5-turbo")
    parser.add_argument("--prompt", default="write a poem about a tree")
    parser.add_argument("--no-stream", dest="stream", action="store_false", help="ask for one JSON reply")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for the whole run (60)")
    parser.add_argument("--max-bytes", type=int, default=16 * MIB, help="of the reply (16 MiB)")
    options = parser.parse_args(argv)
    options.key = os.environ.get("OPENAI_API_KEY", "").strip() or PLACEHOLDER_KEY
    options.url = options.url.rstrip("/")
    if not (at := URL.fullmatch(options.url)) or int(at[2] or 1) not in range(1, 65536):
        parser.error("--base-url or OPENAI_BASE_URL must look like http://localhost:1337/v1")
    if not (0 < options.timeout <= 86_400 and options.max_bytes > 0):
        parser.error("--timeout takes seconds, above 0 and up to a day, --max-bytes a number above 0")
    if not (options.key.isascii() and options.key.isprintable()):
        parser.error("OPENAI_API_KEY holds characters that no header can carry; set it again")
    options.place = re.sub("//[^/@]*@", "//", options.url)
    options.loopback = LOOPBACK.fullmatch(at[1].strip("[]")) is not None
    return options


def work(options: argparse.Namespace, talk: Talk) -> None:
    """Ask, then report the problem or None; runs beside main() because an SDK can block for ever."""
    causes: list[BaseException] = []
    try:
        ask(options, talk)
    except BaseException as caught:
        error: BaseException | None = caught
        while error is not None and error not in causes:
            causes.append(error)
            error = error.__cause__ or error.__context__
    try:
        talk.hand_on(verdict(causes, talk))
    except Exception as fault:
        talk.hand_on(Problem(1, f"a fault of client.py itself, please report it ({fault!r})"))


def main(argv: Sequence[str] | None = None, secrets: Sequence[str] = ()) -> int:
    """Print the answer, none of `secrets`; return an exit code of the table above, SystemExit(2) on a wrong option."""
    options = parse(argv)
    known = [key for key in (options.key, *secrets) if len(key) > 3 and key != PLACEHOLDER_KEY]
    keys = [key.lower() for key in known if len(key) > 7 or not key.isalpha()]  # "test" is a word as well
    mail: queue.Queue[str | Problem | None] = queue.Queue()
    talk = Talk(options, mail.put)
    timer = threading.Timer(options.timeout, talk.too_late)
    threads = [timer, threading.Thread(target=work, args=(options, talk))]
    if __name__ == "__main__":  # the last resort, for a stdout that nobody reads
        threads.append(threading.Timer(options.timeout + 1, lambda: os.write(2, UNREAD) and os._exit(8)))
    try:
        for thread in threads:
            thread.daemon = True
            thread.start()
        held = ""  # what a key may begin with, as it can come in pieces
        while isinstance(problem := talk.late or mail.get(), str):
            text = held + HIDDEN.sub("", problem).encode("utf-8", "backslashreplace").decode()
            for key in keys:
                text = re.sub(re.escape(key), "[key]", text, flags=re.IGNORECASE)
            ends = (text[-size:] for size in range(min(len(text), max(map(len, keys), default=0)), 0, -1))
            held = next((end for end in ends if any(key.startswith(end.lower()) for key in keys)), "")
            print(text.removesuffix(held), end="", flush=True)
        if talk.text:
            print("[key]" if len(held) > 7 else held, flush=True)
    except (KeyboardInterrupt, BrokenPipeError) as end:
        return 141 if isinstance(end, OSError) else 130
    except (OSError, ValueError) as error:
        problem = Problem(10, f"stdout cannot be written; see where it goes ({error})")
    finally:
        talk.late = talk.late or Problem(8, "given up")
        timer.cancel()
    if problem is None:
        return 0
    code, line = problem.args
    line = "".join(character if character.isprintable() else " " for character in line)
    line = re.sub("|".join(map(re.escape, known)) or "(?!)", "[key]", line, flags=re.IGNORECASE)
    with suppress(OSError, ValueError):
        print("client.py:", " ".join(line.split())[:400].rstrip(": "), file=sys.stderr)
    return int(code)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    os._exit(main())  # nothing is left to wait for, least of all the worker
