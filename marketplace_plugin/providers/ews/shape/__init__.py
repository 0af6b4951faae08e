"""Exchange's XML and the model: the way there and back, without any request."""
