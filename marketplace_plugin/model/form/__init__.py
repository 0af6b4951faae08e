"""Items as JSON: exact to be stored, canonical to be compared."""
