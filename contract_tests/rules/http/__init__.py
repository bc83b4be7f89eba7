"""HTTP: the message, its fields, its JSON."""
