"""Shared code of the rooms. These modules import `spec` and `errors`, and no room."""
