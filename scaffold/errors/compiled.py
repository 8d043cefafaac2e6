"""A compiled model computes something else than the model."""

from __future__ import annotations

from scaffold.errors.branches import VerificationError


class CompiledModelDiffersError(VerificationError):
    """The compiled model in `app/fast.py` does not return what the model returns.

    `scaffold update DIR --accelerate off` writes a service that calls the model (docs/accelerate.md).

    Args:
        step: The step of the model that computes something else; empty where the comparison broke off.
        method: The method that was called.
        row: The input.
        values: What the compiled model returns, and what the model returns; or the end of the output.
    """

    step: str
    method: str
    row: str
    values: tuple[str, str]

    def __str__(self) -> str:
        fast, model = self.values
        if not self.step:
            return f"The comparison of app/fast.py with the model broke off:\n{fast}"
        return (
            "app/fast.py does not return what the model returns.\n"
            f"  {self.step}, {self.method} of {self.row}\n"
            f"  {fast} from app/fast.py, {model} from the model"
        )

    @property
    def reason(self) -> str:
        """The error in one line."""
        if not self.step:
            return "the comparison with the model broke off: " + self.values[0].rpartition("\n")[2]
        fast, model = self.values
        return f"{self.step} differs: {self.method} of {self.row} is {fast} compiled, {model} in the model"
