"""A trained model becomes a proven score service that its owner keeps."""

__version__ = "0.1.0"
