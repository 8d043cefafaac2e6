"""What rooms stand on: each module knows the values and the errors, and no room."""
