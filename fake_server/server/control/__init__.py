"""What tests ask of the fake itself, under `/__fake__/`: requests seen, scripts, one-shot replies, spaces."""
