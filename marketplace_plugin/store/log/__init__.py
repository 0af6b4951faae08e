"""What was done, when and why: runs, the journal of their steps, plans."""
