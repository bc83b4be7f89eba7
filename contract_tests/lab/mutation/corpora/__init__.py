"""What is mutated: the committed exchanges with the fake's replies, and genuine recordings."""
