"""Forms read into the model's values, field by field, with an error in the user's language for each bad one."""
