"""What a user's choice of calendars, address books, task lists and switches does to the links that there are."""
