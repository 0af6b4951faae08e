"""Names, paths and values of items in requests and replies."""
