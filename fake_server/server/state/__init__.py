"""What the server remembers between requests: spaces, the journal, stored completions, metrics."""
