"""Pure decisions: what a pass does to both sides. No I/O, clock, randomness or logging (floor 1)."""
