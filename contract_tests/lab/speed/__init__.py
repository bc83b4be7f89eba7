"""How fast the fake answers, beside the most its server can do and beside other fakes: `make bench`.

wrk is pinned to one core and the servers to another. All servers run at once and take turns, round by round,
so that all see the same machine; what counts is the ratio within a round.
"""
