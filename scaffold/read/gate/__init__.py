"""The trust gate: a pickle is followed without being run, and each name is checked."""
