"""Compare app/fast.py with the model in its file: `python -m tests.fast`."""
