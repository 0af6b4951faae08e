"""Pages by hand, and the control of a running sandbox."""
