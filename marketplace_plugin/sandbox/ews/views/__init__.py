"""Items and folders as replies show them to one account."""
