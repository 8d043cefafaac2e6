"""app/fast.py returns what the model returns. `python -m tests.fast` compares many more rows."""

from tests.fast.compare import compare


def test_the_compiled_model_returns_what_the_model_returns() -> None:
    assert compare(rows=500)["difference"] is None
