"""How a run goes: finding the target, sending what the cases ask, and saying what came of each case."""
