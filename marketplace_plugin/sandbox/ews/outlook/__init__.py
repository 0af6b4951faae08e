"""What the store knows of calendars: ids, times and zones, series, meetings, access."""
