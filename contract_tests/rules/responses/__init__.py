"""Rules on Responses: the object, its items, what was asked, and the stream of events."""
