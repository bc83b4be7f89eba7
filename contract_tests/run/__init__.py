"""One run of the suite: cases played, outcomes, pytest items."""
