"""Which distributions and files the model asks for when it is loaded and called."""
