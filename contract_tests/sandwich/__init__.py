"""A proxy between the suite and the fake: both sides of every exchange, paired and judged."""
