"""What waits for its owner's word: conflicts, held and parked items, contacts and tasks that may be one."""
