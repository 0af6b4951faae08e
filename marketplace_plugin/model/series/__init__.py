"""Series: which occurrences they have, how they are edited, and what of them a service can express."""
