"""How fast the fake answers, beside what its server can do at most and beside other fakes: `make bench`.

wrk is pinned to one core and each server to another. All servers run at once and are asked in turn, round by
round, so that all see the same machine; what counts is the ratio within a round.
"""
