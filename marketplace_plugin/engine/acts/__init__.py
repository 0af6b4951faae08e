"""What a user does to his sync: approve a plan, convert, change the target, settle, approve, undo, ask why."""
