"""A user's account at a service: offered, asked for, added, set up, tested, disconnected. Its OAuth: ``sign_in``."""
