"""How a model is called: which method, with what, on rows alone or together."""
