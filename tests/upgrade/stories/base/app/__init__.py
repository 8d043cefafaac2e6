"""The score service."""

from app.serving.cpu import limit_threads

limit_threads()  # before numeric libraries are imported
