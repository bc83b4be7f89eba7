"""The pages made from code: FAULTS.md, BUGS.md, RULES.md, and the tables of SCRIPTS.md and TESTING.md."""
