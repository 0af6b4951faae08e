"""The Event resource: its shape and times, what a write makes of it, what a reader sees of it."""
