"""What tests use: the server as an object, spaces, assertions, and calls without a socket."""
