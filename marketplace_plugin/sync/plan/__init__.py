"""From what a pass knows of a link to its step: the decision tables, and what stands beside them."""
