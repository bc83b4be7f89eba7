"""What an author writes, and which script answers a request."""
