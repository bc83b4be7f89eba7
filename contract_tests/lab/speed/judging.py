"""How fast streams are judged: `python -m contract_tests.lab.speed.judging`.

The same chunks go through bare `json.loads` and through the judge, turn by turn, so that both see the same
machine; the ratio of their processor times is what counts (1 is as fast as parsing alone).
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from functools import partial

from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.rules import judge
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Write

CONFORMING = FIXTURES / "conforming"
STREAMS = ("usage-stream", "calls-stream", "logprobs-stream")
CHUNKS, ROUNDS = 2000, 11
AIM = 0.1


def long_stream(name: str) -> Exchange:
    """A conforming stream with its third event repeated CHUNKS times."""
    exchange = fixture.load(CONFORMING / f"{name}.yaml").exchange
    events = exchange.payload.split(b"\n\n")
    body = b"\n\n".join([*events[:2], *[events[2]] * CHUNKS, *events[3:]])
    return exchange.but(writes=(Write(body),))


def chunks_of(exchange: Exchange) -> list[bytes]:
    """The JSON texts of a stream."""
    events = exchange.payload.split(b"\n\n")
    return [event.removeprefix(b"data: ") for event in events if event.startswith(b"data: {")]


def parse_all(texts: list[bytes]) -> None:
    for text in texts:
        json.loads(text)


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Print one line for each stream, and the ratio over all beside the aim."""
    ratios = []
    for name in STREAMS:
        exchange = long_stream(name)
        texts = chunks_of(exchange)
        judge(exchange)  # types are imported and patterns compiled once
        parse, judged = partial(parse_all, texts), partial(judge, exchange)
        rounds = [(seconds(parse), seconds(judged)) for _ in range(ROUNDS)]
        parsing, judging = (statistics.median(times) * 1e6 / len(texts) for times in zip(*rounds, strict=True))
        each = sorted(parse_time / judge_time for parse_time, judge_time in rounds)
        ratios.append(statistics.median(each))
        print(
            f"{name:16} {len(texts):,} chunks: json.loads {parsing:4.1f} µs, "
            f"judged {judging:5.1f} µs a chunk, ratio {ratios[-1]:.3f} ({each[0]:.3f}–{each[-1]:.3f})"
        )
    whole = statistics.geometric_mean(ratios)
    reached = "reached" if whole >= AIM else "MISSED: `make profile` shows where the time goes"
    print(f"ratio over all   {whole:.3f} (json.loads of the same chunks is 1), aim {AIM}: {reached}")


if __name__ == "__main__":
    main()
