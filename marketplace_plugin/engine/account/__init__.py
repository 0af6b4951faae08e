"""A user's account at a service: offered, added, authorised, set up, tested, disconnected."""
