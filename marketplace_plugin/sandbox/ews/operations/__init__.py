"""The operations of EWS, in small groups."""
