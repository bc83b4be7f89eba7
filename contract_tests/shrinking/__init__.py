"""Delta debugging of recorded exchanges: the smallest one that still shows a fault, and the issue that tells it."""
