"""What things are: frozen dataclasses and enums. Standard library only; no I/O, no clock, no randomness (floor 0)."""
