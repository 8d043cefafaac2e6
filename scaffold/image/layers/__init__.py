"""An image put together from files, without an engine."""
