"""Rules that chat completions and text completions have alike; each section registers them as its own."""
