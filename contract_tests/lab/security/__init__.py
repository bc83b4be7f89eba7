"""What was tried to break the promises of SECURITY.md, counted by area."""
