"""Does a target carry a client: the requests that it was seen to send, and the rules that it needs."""
