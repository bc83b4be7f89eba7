"""Chat completions, as one object and as a stream."""
