"""What the rooms share. A module here imports `spec` and `errors`, and no room."""
