"""How much latency the relay adds to a write: `python -m contract_tests.lab.speed.relaying`."""

from __future__ import annotations

import asyncio
import statistics
import sys

from fake_server.relay.latency import measure_round_trips

ROUNDS = 5000


def main() -> None:
    direct, relayed = asyncio.run(measure_round_trips(ROUNDS))
    for name, times in (("direct", direct), ("through the relay", relayed)):
        middle, late = statistics.median(times), statistics.quantiles(times, n=100)[98]
        sys.stdout.write(f"{name:18} median {middle * 1e6:6.0f} us   99th percentile {late * 1e6:6.0f} us\n")
    added = (statistics.median(relayed) - statistics.median(direct)) / 2
    sys.stdout.write(f"added to one write: {added * 1e6:.0f} us (median, half of the round trip)\n")


if __name__ == "__main__":
    main()
