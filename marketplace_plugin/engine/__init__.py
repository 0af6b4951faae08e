"""The imperative shell: one pass and its siblings, authorising, jobs and schedule (floor 3)."""
