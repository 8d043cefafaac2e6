"""Debian packages as files of a layer."""
