"""Outlook's contacts and Microsoft To Do: flat items in folders and lists, each tracked by a delta of its own."""
