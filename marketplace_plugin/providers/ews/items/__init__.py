"""What a mailbox keeps beside calendars: folders of contacts and of tasks."""
