"""Exchange's time: zones and wall times, patterns, the occurrences of a series, a view's window."""
