"""The present tables; `migrations/` upgrades older databases."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

metadata = MetaData()
_LONG = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
"""The columns of a wide table, as JSON, are more than the 64 KiB of MySQL's TEXT."""

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False),
    Column("params", _LONG, nullable=False),
    Column("metrics", _LONG, nullable=False),
    Column("data", _LONG, nullable=False),
    Column("confusion_matrix", _LONG, nullable=True),
    Column("git_revision", String(64), nullable=False),
    Column("python", String(32), nullable=False),
    Column("requirements", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("at", String(32), nullable=False),
    Index("runs_name", "name"),
)
"""`params`, `metrics`, `data`, `confusion_matrix` and `requirements` are JSON."""

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False),
    Column("version", String(128), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("location", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("at", String(32), nullable=False),
    Column("input", String(96), nullable=False, server_default=""),
    Column("output", String(96), nullable=False, server_default=""),
    Column("run_id", Integer, ForeignKey("runs.id", name="models_run"), nullable=True),
    UniqueConstraint("name", "version", name="models_name_version"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False),
    Column("alias", String(63), nullable=False),
    Column("model_id", Integer, ForeignKey("models.id", name="aliases_model"), nullable=False),
    Column("by", String(255), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("name", "alias", name="aliases_name_alias"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", String(16), nullable=False),
    Column("name", String(63), nullable=False),
    Column("target", String(63), nullable=False),
    Column("namespace", String(63), nullable=False),
    Column("image", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("live", Text, nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("proof", String(16), nullable=False),
    Column("git_revision", String(64), nullable=False),
    Column("by", String(255), nullable=False),
    Column("approved_by", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Index("deployments_name_target", "name", "target"),
)
