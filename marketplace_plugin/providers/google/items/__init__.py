"""What Google keeps beside calendars: one address book (People) and task lists (Tasks) of the same account."""
