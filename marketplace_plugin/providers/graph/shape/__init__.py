"""Graph's JSON and the model: the way there and back, without any request."""
