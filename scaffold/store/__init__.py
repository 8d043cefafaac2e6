"""What was registered and deployed, by whom and when: in a database, SQLite unless another is named."""

from scaffold.store._check import check_store
from scaffold.store._files import file_name, sha256_in
from scaffold.store._mlflow import MlflowStore
from scaffold.store._open import open_store, tracking_uri
from scaffold.store._store import Store
from scaffold.store._values import IN_FILES, Entry, Model, Reference, Run, parse_reference

__all__ = [
    "IN_FILES",
    "Entry",
    "MlflowStore",
    "Model",
    "Reference",
    "Run",
    "Store",
    "check_store",
    "file_name",
    "open_store",
    "parse_reference",
    "sha256_in",
    "tracking_uri",
]
