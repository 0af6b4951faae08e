"""Remote accounts, one package each; siblings never import each other (floor 2)."""
