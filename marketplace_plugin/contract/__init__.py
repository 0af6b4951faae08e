"""What others implement or call: the hooks, a remote account (Provider), a host and its modules (floor 1)."""
