"""Delta debugging of a recorded exchange: the smallest with the same fault, and the issue to tell it."""
