"""Graph's HTTP face of the calendars: query options, paging, delta, batch."""
