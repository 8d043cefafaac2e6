"""Scores files and tables with the code of the service: `python -m batch score IN OUT`."""
