"""The logical API without HTTP: requests, replies, errors, tokens."""
