"""What outside judges of OpenAI compatibility say of the fake: a second opinion on our own."""
