"""The confusion matrix of a run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add a column to the runs."""
    long = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.add_column("runs", sa.Column("confusion_matrix", long, nullable=True))


def downgrade() -> None:
    """Take it away."""
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("confusion_matrix")
