"""The whole error tree: one branch per stage, a leaf where a caller would act differently.

    ScaffoldError
    ├── UsageError                what was typed cannot be done
    │   ├── MissingExtraError     an extra of this package is not installed
    │   ├── InvalidAnswerError    an answer holds a value that it cannot hold
    │   └── TargetNotEmptyError
    ├── ReadError
    │   ├── NoSuchFileError
    │   ├── NotAModelError
    │   ├── TruncatedFileError
    │   ├── UntrustedCodeError
    │   └── MissingLibraryError
    ├── IntrospectionError
    │   ├── UnsupportedSampleError
    │   ├── CallError             the model does not take the sample, or does not give the output
    │   ├── AmbiguousCallError    several methods give the output
    │   └── UnstableModelError    the same input gets different answers
    ├── ResolutionError
    ├── RenderError
    ├── VerificationError
    │   ├── EnvironmentFailedError
    │   ├── ServiceFailedError
    │   └── AnswersDifferError
    ├── UpgradeError
    ├── ImageError
    ├── DeployError
    ├── StoreError
    └── CommandError              a command that we ran failed

Facts stand in the constructor's arguments, the message is written in `__str__`: what failed, what was
found, what to type. Every error here pickles. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence


class ScaffoldError(Exception):
    """Anything that a person can act on; `str()` of it is what they read."""


class UsageError(ScaffoldError):
    """What was typed cannot be done."""


class MissingExtraError(UsageError):
    """An optional part of this package is asked for and not installed."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(extra, module)
        self.extra, self.module = extra, module

    def __str__(self) -> str:
        return (
            f"This needs the '{self.extra}' extra: the module '{self.module}' is not installed.\n"
            f"  pip install 'model-scaffold[{self.extra}]'"
        )


class InvalidAnswerError(UsageError):
    """An answer, or the option that gives it, has a value that it cannot have."""

    def __init__(self, answer: str, found: object, wanted: str) -> None:
        super().__init__(answer, found, wanted)
        self.answer, self.found, self.wanted = answer, found, wanted

    def __str__(self) -> str:
        return f"The answer '{self.answer}' is {self.found!r}.\nIt takes {self.wanted}."


class TargetNotEmptyError(UsageError):
    """The folder that a project would be written to holds something already."""

    def __init__(self, target: str, found: str) -> None:
        super().__init__(target, found)
        self.target, self.found = target, found

    def __str__(self) -> str:
        return (
            f"{self.target} is not empty: it holds {self.found}.\n"
            "Nothing was written. Name a folder that is empty or absent, or bring the project up to date:\n"
            f"  scaffold update {self.target} --model ..."
        )


class ReadError(ScaffoldError):
    """A file cannot be read as what it is said to be."""


class IntrospectionError(ScaffoldError):
    """The sample or the model cannot be described."""


class CallError(IntrospectionError):
    """The model does not take the sample, or does not give the output."""

    def __init__(
        self,
        summary: str,
        attempts: tuple[tuple[str, str], ...] = (),
        wanted: tuple[str, ...] = (),
        found: tuple[str, ...] = (),
        advice: str = "",
    ) -> None:
        super().__init__(summary, attempts, wanted, found, advice)
        self.summary, self.attempts, self.advice = summary, attempts, advice
        self.wanted, self.found = wanted, found

    def __str__(self) -> str:
        lines = [self.summary, *(f"  {call}: {outcome}" for call, outcome in self.attempts)]
        if self.wanted and self.wanted != self.found:
            lines += [f"The model wants: {_names(self.wanted)}", f"The sample has:  {_names(self.found)}"]
            lines += self._differences()
        return "\n".join([*lines, *([self.advice] if self.advice else [])])

    def _differences(self) -> list[str]:
        missing = tuple(name for name in self.wanted if name not in self.found)
        unknown = tuple(name for name in self.found if name not in self.wanted)
        lines = [f"  missing: {_names(missing)}"] if missing else []
        lines += [f"  not wanted: {_names(unknown)}"] if unknown else []
        return lines or ["  the order of the columns differs"]


class AmbiguousCallError(IntrospectionError):
    """Several methods give the output sample, and nothing says which one is meant."""

    def __init__(self, methods: tuple[str, ...]) -> None:
        super().__init__(methods)
        self.methods = methods

    def __str__(self) -> str:
        options = "\n".join(f"  scaffold new ... --method {method}" for method in self.methods)
        return (
            f"{' and '.join(repr(method) for method in self.methods)} both give the output sample.\n"
            f"Say which one is to be served:\n{options}"
        )


class UnstableModelError(IntrospectionError):
    """The model answers the same input differently from one call to the next."""

    def __init__(self, call: str, difference: str) -> None:
        super().__init__(call, difference)
        self.call, self.difference = call, difference

    def __str__(self) -> str:
        return (
            f"The model gives different answers to the same input: {self.call}, twice.\n"
            f"  {self.difference}\n"
            "A service of it cannot be proven. Fix the seed inside the method, or keep no state between calls."
        )


class ResolutionError(ScaffoldError):
    """What the model needs cannot be had, or not together."""


class RenderError(ScaffoldError):
    """The project cannot be written."""


class VerificationError(ScaffoldError):
    """The service does not give the model's answers, or does not run."""


class EnvironmentFailedError(VerificationError):
    """The lock cannot be installed."""

    def __init__(self, tail: str) -> None:
        super().__init__(tail)
        self.tail = tail

    def __str__(self) -> str:
        return f"The clean environment for the proof cannot be made:\n{self.tail}"


class ServiceFailedError(VerificationError):
    """The service does not start, or breaks off."""

    def __init__(self, what: str, log: str) -> None:
        super().__init__(what, log)
        self.what, self.log = what, log

    def __str__(self) -> str:
        return f"{self.what} The end of its log:\n{self.log}" if self.log else self.what


class AnswersDifferError(VerificationError):
    """The service gives another answer than the model.

    Args:
        what: Which request: `row 3`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and the one wanted, as JSON.
        versions: (distribution, version in the service, version here), where the two differ.
    """

    def __init__(
        self, what: str, path: str, values: tuple[str, str], versions: Sequence[tuple[str, str, str]]
    ) -> None:
        super().__init__(what, path, values, versions)
        self.what, self.path, self.values, self.versions = what, path, values, versions

    def __str__(self) -> str:
        got, wanted = self.values
        lines = [
            "The service answers, but not with the sample's predictions.",
            (
                f"  {self.what}, {self.path.lstrip('.') or 'the answer'}: "
                f"{got} from the service, {wanted} in the sample's output"
            ),
        ]
        lines += [
            f"  {name}: {there} in the service, {here} in the environment of the sample"
            for name, there, here in self.versions
        ]
        if self.versions:
            name, _, here = self.versions[0]
            lines.append(f"Pin what the model was made with: scaffold new ... --pin {name}=={here}")
        else:
            lines.append(
                "Both have the same library versions: does the model answer alike each time it is asked?"
            )
        return "\n".join(lines)


class UpgradeError(ScaffoldError):
    """A project cannot be brought up to date."""


class ImageError(ScaffoldError):
    """An image cannot be built or pushed."""


class DeployError(ScaffoldError):
    """A service cannot be deployed."""


class StoreError(ScaffoldError):
    """The record of models and deployments cannot be read or written."""


class CommandError(ScaffoldError):
    """A command that we ran ended with an error."""

    def __init__(self, command: tuple[str, ...], status: int, tail: str) -> None:
        super().__init__(command, status, tail)
        self.command, self.status, self.tail = command, status, tail

    def __str__(self) -> str:
        line = " ".join(self.command)
        return f"This command failed (exit status {self.status}):\n  {line}\n{self.tail}".rstrip()


def _names(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
