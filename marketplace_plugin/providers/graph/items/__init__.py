"""What a Microsoft account keeps beside calendars: address books (Outlook) and task lists (To Do)."""
