"""Runs, the samples of models, and aliases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make two tables, and add three columns to the models."""
    long = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("params", long, nullable=False),
        sa.Column("metrics", long, nullable=False),
        sa.Column("data", long, nullable=False),
        sa.Column("git_revision", sa.String(64), nullable=False),
        sa.Column("python", sa.String(32), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("runs_name", "runs", ["name"])
    with op.batch_alter_table("models") as models:
        models.add_column(sa.Column("input", sa.String(96), nullable=False, server_default=""))
        models.add_column(sa.Column("output", sa.String(96), nullable=False, server_default=""))
        models.add_column(sa.Column("run_id", sa.Integer(), nullable=True))
        models.create_foreign_key("models_run", "runs", ["run_id"], ["id"])
    op.create_table(
        "aliases",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("alias", sa.String(63), nullable=False),
        sa.Column("model_id", sa.Integer(), sa.ForeignKey("models.id", name="aliases_model"), nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.UniqueConstraint("name", "alias", name="aliases_name_alias"),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("aliases")
    with op.batch_alter_table("models") as models:
        models.drop_constraint("models_run", type_="foreignkey")
        for name in ("run_id", "output", "input"):
            models.drop_column(name)
    op.drop_table("runs")
