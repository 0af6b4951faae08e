"""Steg's rows: tables, change log, records of its modules. Functions take the connection first and never commit."""
