"""A compiled model computes something else than the model, or belongs to another one."""

from __future__ import annotations

from scaffold.errors.branches import ProjectError, VerificationError
from scaffold.errors.output import error_in_traceback
from scaffold.errors.wording import invocation, shortened


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
            message = f"The comparison of app/fast.py with the model broke off: {error_in_traceback(fast)}"
            return message if "\n" not in fast else f"{message}\n\n{fast}"
        return (
            "app/fast.py does not return what the model returns.\n"
            f"  {self.step}, {self.method} of {self.row}\n"
            f"  {fast} from app/fast.py, {model} from the model"
        )

    @property
    def reason(self) -> str:
        """The error in one line."""
        if not self.step:
            return f"the comparison with the model broke off: {shortened(error_in_traceback(self.values[0]))}"
        fast, model = self.values
        return f"{self.step} differs: {self.method} of {self.row} is {fast} compiled, {model} in the model"


class CompiledFileError(ProjectError):
    """A file of the compiled model is absent, or is not the one that the others were made with.

    Args:
        project: The folder of the project.
        path: The file.
        found: The sha256 of the file; empty if it is absent.
        expected: The sha256 in `app/fast.py`; empty if this is the file that is absent.
    """

    project: str
    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        if not self.expected:
            return (
                f"{self.path} is absent, and tests/fast compares it with the model.\n"
                "Remove the rest of the compiled model, and make it anew:\n"
                f"  {invocation('update', self.project, accelerate='off')}\n"
                f"  {invocation('update', self.project, accelerate='auto')}"
            )
        state = f"has the sha256 {self.found}" if self.found else "is absent"
        return (
            f"{self.path} {state}.\n"
            f"  {self.expected} is the sha256 in app/fast.py\n"
            "Write it again:\n"
            f"  {invocation('update', self.project)}"
        )


class ReplacedModelError(ProjectError):
    """The model file of a project is not the one from which the compiled model in `app/fast.py` was made.

    Args:
        project: Its folder.
        model: The model file.
        place: Where the hash of the model of `app/fast.py` is: `app/settings.py`.
        hashes: The sha256 of the model file, and that of the model of `app/fast.py`.
    """

    project: str
    model: str
    place: str
    hashes: tuple[str, str]

    def __str__(self) -> str:
        found, expected = self.hashes
        return (
            f"{self.model} is not the model from which app/fast.py was made.\n"
            f"  {found} is the sha256 of the file\n"
            f"  {expected} is that of the model of app/fast.py, in {self.place}\n"
            "Put the former file back, or update the project to this one:\n"
            f"  {invocation('update', self.project, model=self.model, input='sample.pkl')}"
        )
