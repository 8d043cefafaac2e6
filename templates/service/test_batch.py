"""`batch/` gives the answers that were recorded, by rows and by columns."""

import pytest

pytest.importorskip("pyarrow", reason="batch/requirements.txt is not installed")


def test_the_recorded_sample_gets_its_answers() -> None:
    from batch.check import check

    assert "have the recorded answers" in check()
