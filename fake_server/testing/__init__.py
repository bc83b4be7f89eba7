"""What tests use: the server as an object, its spaces, and assertions."""
