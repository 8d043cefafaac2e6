"""Samples and a model in, a `Signature` out: what one record is, what its answer is, how the model is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaffold.introspect._calls import find_call
from scaffold.introspect._feeding import Layout
from scaffold.introspect._hints import model_hints
from scaffold.introspect._inputs import describe_input, requests_of
from scaffold.introspect._outputs import answers_of, describe_output
from scaffold.spec import Overrides, Recording, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """A signature, the sample as it goes over HTTP, and the sample as the model was given it."""

    signature: Signature
    recording: Recording
    sample: Any
    output: Any


_NO_OVERRIDES = Overrides()


def infer_signature(
    model: Any,
    sample_input: Any,
    sample_output: Any = None,
    *,
    method: str | None = None,
    overrides: Overrides = _NO_OVERRIDES,
) -> Introspection:
    """Return what a sample says of the model's input and output, and how the model is called.

    Args:
        model: The loaded model.
        sample_input: One record or several, in any of the kinds of `docs/samples.md`.
        sample_output: What the model gives for them; `None` runs the model to learn it.
        method: The method to call, where several give the output.
        overrides: What a person said where the sample does not show it.

    Raises:
        UnsupportedSampleError: A value of the sample is nothing that JSON can say.
        CallError: The model does not take the sample, or does not give the output.
    """
    found = find_call(model, sample_input, sample_output, method=method)
    hints = model_hints(model, found.call.method)
    schema = describe_input(found, hints.feature_names)
    output = describe_output(found)
    return Introspection(
        signature=Signature(
            input=schema,
            output=output,
            call=found.call,
            one_row=not found.call.batched and found.layout is not Layout.WHOLE,
            notes=found.notes,
        ),
        recording=Recording(requests=requests_of(found, schema), answers=answers_of(found, output)),
        sample=found.sample,
        output=found.output,
    )
