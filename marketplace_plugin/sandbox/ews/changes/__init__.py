"""How items change: by whom they may be written, what one value does to others, and who is mailed."""
