"""What a person or a test uses beside the service itself: pages by hand, the control endpoint."""
