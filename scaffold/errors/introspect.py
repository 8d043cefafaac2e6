"""The sample or the model cannot be described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaffold.errors.branches import IntrospectionError
from scaffold.errors.wording import about_local_time, beside_the_code, invocation, listed, option

Remedy = Literal[
    "await",
    "column",
    "columns",
    "context",
    "export",
    "inputs",
    "instance",
    "iterate",
    "locate",
    "rows",
    "wrap",
]
"""What to do about calls that do not fit.

`await`, `iterate`: run or exhaust what the call gives. `column`: take a column of what it gives. `columns`,
`inputs`: give a sample with what the model takes. `rows`: give a sample and its output. `instance`: save an
instance, not the class. `export`, `context`: save the model in another way. `locate`: open a file beside the
code. `wrap`: wrap the model in a class.
"""
_HOLD = "  class Service:\n      def __init__(self, model): self.model = model\n"
_WRAP_IT = """Wrap the model in a class that takes plain values, and give a sample of those:
  class Service:
      def __init__(self, model): self.model = model
      def predict(self, record): return self.model.predict(...)  # build what the model takes from `record`"""


class UnsupportedSampleError(IntrospectionError):
    """A value of the sample cannot go over HTTP as JSON."""

    path: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"The sample cannot be sent as JSON.\n  {self.path}: {self.found}\n{self.advice or _WRAP_IT}"


class UnknownFieldError(IntrospectionError):
    """An option, by the name of its keyword, names a field that the sample does not have."""

    option: str
    name: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(map(repr, self.fields[:12])) + (", ..." if len(self.fields) > 12 else "")
        what = f"{option(self.option)} names '{self.name}', which is no field of the sample."
        return f"{what}\nIts fields: {shown}"


class CallError(IntrospectionError):
    """The model does not take the sample, or does not give the output."""


class NoFittingCallError(CallError):
    """No call of the model that was tried takes the sample, or gives the output.

    Args:
        gives: Whether an output was given, which no call gives.
        attempts: (call, what came of it) of those that were tried.
        wanted: The names of the columns that the model takes, where it says them.
        found: Those that the sample has.
        remedy: What to change: see `Remedy`.
        about: What the remedy speaks of: the call `self.model.predict(X)`, or what its key says.
    """

    gives: bool
    attempts: tuple[tuple[str, str], ...] = ()
    wanted: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    remedy: Remedy = "wrap"
    about: tuple[str, ...] = ("self.model.predict(X)",)

    def __str__(self) -> str:
        lines = [
            "The model does not give the output sample from the input sample."
            if self.gives
            else "The model does not take the input sample.",
            *(f"  {call}: {outcome}" for call, outcome in self.attempts),
        ]
        if self.wanted and self.wanted != self.found:
            lines += [f"The model wants: {listed(self.wanted)}", f"The sample has:  {listed(self.found)}"]
            lines += self._differences()
        return "\n".join([*lines, *(about_local_time() if self.gives else []), self._advice()])

    def _advice(self) -> str:
        about = self.about[0] if self.about else ""
        answer = f"{_HOLD}      def predict(self, X): return"
        match self.remedy:
            case "column":
                return (
                    f"The output sample is one column of an answer: model.{about}\n"
                    f"Save a model that gives that column:\n{answer} self.model.{about}"
                )
            case "columns":
                return "Give a sample with the columns that the model takes."
            case "rows":
                rows, answers = (*self.about, "another number")[:2]
                return f"The input sample has {rows} rows, the output sample {answers}: give their answers."
            case "inputs":
                return f"Give a sample of what it takes: {', '.join(self.about)}"
            case "instance":
                return f"The file holds the class {about} itself. Save an instance of it: {about}(...)"
            case "await":
                return f"Wait for what it gives:\n  import asyncio\n{answer} asyncio.run({about})"
            case "iterate":
                return f"Ask for all that it gives:\n{answer} list({about})"
            case "locate":
                return beside_the_code(about)
            case "export":
                return (
                    "Save the module that it holds as TorchScript or ONNX:\n  torch.onnx.export(program, ...)"
                )
            case "context":
                return (
                    "What `load_context` loads is part of the model: load it,"
                    f" and save a class without a context:\n{answer} self.model.predict(None, X)"
                )
            case "wrap":
                return (
                    "Give a sample that the model takes, or name the method:"
                    f" {option('method', 'NAME')}\n"
                    "Or wrap the model in a class that takes the one sample and gives the other:\n"
                    f"{answer} {about}  # build what it takes, shape what it gives"
                )

    def _differences(self) -> list[str]:
        missing = tuple(name for name in self.wanted if name not in self.found)
        unknown = tuple(name for name in self.found if name not in self.wanted)
        lines = [f"  missing: {listed(missing)}"] if missing else []
        lines += [f"  not wanted: {listed(unknown)}"] if unknown else []
        return lines or ["  the order of the columns differs"]


class EmptySampleError(CallError):
    """The input sample holds no records."""

    def __str__(self) -> str:
        return "The input sample holds no records.\nGive one with a row or more."


class TooDeepError(CallError):
    """The model, or its answer, is nested too deeply."""

    def __str__(self) -> str:
        return "The model, or its answer, is nested too deeply to be looked at."


class ChangingMethodError(CallError):
    """An option names a method that changes something, by its name."""

    method: str

    def __str__(self) -> str:
        return f"'{self.method}' is not called: by its name it changes something."


class NoSuchMethodError(CallError):
    """An option names a method that the model does not have."""

    model: str
    method: str
    offered: Sequence[str]

    def __str__(self) -> str:
        return (
            f"{self.model} has no method '{self.method}' that answers.\n"
            f"It has: {', '.join(self.offered) or 'none'}"
        )


class NothingToCallError(CallError):
    """The file holds an object without a method to call.

    Args:
        type: The name of its class.
        holds: `weights`: tensors by name. `parts`: a container. `state`: an object with attributes.
            `nothing`: another object.
        keys: Of a container with keys: some of them.
    """

    type: str
    holds: Literal["weights", "parts", "state", "nothing"]
    keys: Sequence[str] = ()

    def __str__(self) -> str:
        match self.holds:
            case "weights":
                return (
                    f"The file holds a {self.type} of tensors: the weights of a module without the module.\n"
                    "Build the module, load the weights into it and save it whole:\n"
                    "  module.load_state_dict(torch.load(path))\n"
                    "  torch.save(module, 'model.pt')"
                )
            case "parts":
                keys = f" with the keys {', '.join(self.keys)}" if self.keys else ""
                return (
                    f"The file holds a {self.type}{keys}: nothing in it can be called as a whole.\n"
                    "Put what belongs together into one object with a method:\n"
                    "  class Model:\n"
                    "      def __init__(self, parts): self.parts = parts\n"
                    "      def predict(self, X): return self.parts[...].predict(X)"
                )
        head = f"The file holds a {self.type}, which has no method that answers and cannot be called."
        if self.holds == "nothing":
            return head
        return (
            f"{head}\nWrap it in a class that answers:\n{_HOLD}"
            "      def predict(self, X): return ...  # what the model says of X"
        )


class IndexNeededError(CallError):
    """The answers depend on the index of a frame, which does not go over HTTP.

    Args:
        call: The call as a person would write it.
        difference: What becomes of its answer without the index.
    """

    call: str
    difference: str

    def __str__(self) -> str:
        return (
            "The model's answers depend on the index of the sample, which does not go over HTTP.\n"
            f"  {self.call} without the index: {self.difference}\n"
            f"Make the index a column of the sample, and have the model set it:\n{_HOLD}"
            "      def predict(self, X): return self.model.predict(X.set_index('name'))"
        )


class AmbiguousCallError(IntrospectionError):
    """Several methods give the output sample, and nothing says which one is meant."""

    methods: tuple[str, ...]

    def __str__(self) -> str:
        options = "\n".join(f"  {invocation('new', ..., method=method)}" for method in self.methods)
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

    call: str
    difference: str
    when: str = "twice"

    def __str__(self) -> str:
        return (
            f"The model gives different answers to the same input: {self.call}, {self.when}.\n"
            f"  {self.difference}\n"
            "No service of it can be proven. Fix the seed inside the method, or keep no state between calls."
        )
