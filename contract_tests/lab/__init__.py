"""All that proves the kit itself. Nothing here is installed."""
