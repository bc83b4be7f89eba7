"""Which client breaks on what: every broken fixture, replayed to real clients."""
