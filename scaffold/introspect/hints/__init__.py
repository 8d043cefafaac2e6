"""What a model of a library says about its input and output."""
