"""What was registered and deployed, by whom and when: in a database, SQLite unless another is named."""

from scaffold.store._store import Entry, Model, Store, open_store

__all__ = ["Entry", "Model", "Store", "open_store"]
