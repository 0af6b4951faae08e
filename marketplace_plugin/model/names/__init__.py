"""Names of time zones in other worlds than IANA's."""
