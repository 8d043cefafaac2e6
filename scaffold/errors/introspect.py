"""The sample or the model cannot be described."""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError

_WRAP_IT = """Wrap the model in a class that takes plain values, and give a sample of those:
  class Service:
      def __init__(self, model): self.model = model
      def predict(self, record): return self.model.predict(...)  # build what the model takes from `record`"""


class IntrospectionError(ScaffoldError):
    """The sample or the model cannot be described."""


class UnsupportedSampleError(IntrospectionError):
    """A value of the sample cannot go over HTTP as JSON."""

    def __init__(self, path: str, found: str, advice: str = "") -> None:
        super().__init__(path, found, advice)
        self.path, self.found, self.advice = path, found, advice

    def __str__(self) -> str:
        return f"The sample cannot be sent as JSON.\n  {self.path}: {self.found}\n{self.advice or _WRAP_IT}"


class UnknownFieldError(IntrospectionError):
    """An option names a field that the sample does not have."""

    def __init__(self, option: str, name: str, fields: tuple[str, ...]) -> None:
        super().__init__(option, name, fields)
        self.option, self.name, self.fields = option, name, fields

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.fields[:12])) + (", ..." if len(self.fields) > 12 else "")
        return f"{self.option} names '{self.name}', which is no field of the sample.\nIts fields: {shown}"


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
    """The model answers the same input differently from one call to the next.

    Args:
        call: The call as a person would write it: `model.predict(X)`.
        difference: Where the answers differ.
        when: What lay between the calls: `twice`, `before and after other rows`.
    """

    def __init__(self, call: str, difference: str, when: str = "twice") -> None:
        super().__init__(call, difference, when)
        self.call, self.difference, self.when = call, difference, when

    def __str__(self) -> str:
        return (
            f"The model gives different answers to the same input: {self.call}, {self.when}.\n"
            f"  {self.difference}\n"
            "No service of it can be proven. Fix the seed inside the method, or keep no state between calls."
        )


def _names(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
