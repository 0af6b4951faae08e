"""What a pass works on: links, blocks, intents, what is held, conflicts, and where each side was read to."""
