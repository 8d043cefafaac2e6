"""From a model and its samples to a `Signature`: the schemas of input and output, and the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from scaffold.introspect._annotations import of_record, widened
from scaffold.introspect._boosters import category_levels
from scaffold.introspect._bounds import with_bounds
from scaffold.introspect._calls import FoundCall, find_call
from scaffold.introspect._columns import hands_out_columns
from scaffold.introspect._hints import Hints, model_hints
from scaffold.introspect._indices import with_index_bounds
from scaffold.introspect._inputs import describe_input, requests_of
from scaffold.introspect._layouts import Layout
from scaffold.introspect._outputs import answers_of, describe_output
from scaffold.introspect._parameters import with_parameters
from scaffold.introspect._refine import (
    cast,
    notes_of,
    with_categories,
    with_classes,
    with_feature_types,
    with_levels,
    with_overrides,
)
from scaffold.introspect._unicode import require_unicode
from scaffold.spec import (
    Arguments,
    Arrays,
    Call,
    JSONValue,
    Overrides,
    PythonCall,
    Record,
    Recording,
    Schema,
    Signature,
)

__all__ = ["Introspection", "infer_signature", "require_unicode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """A signature, the sample as it goes over HTTP, and the sample as the model was given it."""

    signature: Signature
    recording: Recording
    sample: Any
    output: Any


_NO_OVERRIDES = Overrides()


def infer_signature(
    model: object,
    sample_input: object,
    sample_output: object = None,
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
        overrides: The options for fields where the sample is not enough.

    Raises:
        UnsupportedSampleError: JSON cannot represent a value of the sample.
        CallError: The model does not take the sample, or does not give the output.
    """
    sample_input = cast(sample_input, overrides.types)
    found = find_call(model, sample_input, sample_output, method=method, nullable=overrides.nullable)
    hints = model_hints(model, found.call.method)
    arguments = [
        p.name for p in hints.parameters if p.kind in (p.kind.POSITIONAL_ONLY, p.kind.POSITIONAL_OR_KEYWORD)
    ]
    described = describe_input(found, found.names or hints.feature_names, arguments)
    described = with_levels(described, category_levels(model))
    schema = with_bounds(_with_hints(described, found, hints), model, found)
    schema = with_index_bounds(schema, model, found)
    requests = requests_of(found, schema, arguments)
    schema = with_overrides(schema, overrides, requests[0], lambda name: _values_of(requests, name))
    output = with_classes(describe_output(found), found.call.method, hints.classes)
    signature = Signature(
        input=schema,
        output=output,
        call=_shortened(found.call, model, schema),
        one_row=not found.call.batched and found.layout is not Layout.WHOLE,
        notes=(*found.notes, *notes_of(found.rows, schema)),
    )
    recording = Recording(requests=requests, answers=answers_of(found, output))
    return Introspection(signature=signature, recording=recording, sample=found.sample, output=found.output)


def _shortened(call: Call, model: object, schema: Schema) -> Call:
    """Return the call, with the first step of a pipeline replaced where the service has the same."""
    if not isinstance(call, PythonCall):
        return call
    return replace(call, shortened=hands_out_columns(model, schema))


def _with_hints(schema: Schema, found: FoundCall, hints: Hints) -> Schema:
    """Return the schema with what the model's encoders, annotations and defaults say."""
    schema, call = with_feature_types(with_categories(schema, hints), hints), found.call
    if not isinstance(call, PythonCall) or not isinstance(schema, Record):
        return schema
    if call.arguments is Arguments.KEYWORDS:
        return with_parameters(schema, hints.parameters, found.fixed)
    if isinstance(schema.form, Arrays):
        return schema
    if call.arguments is Arguments.POSITIONAL:
        return with_parameters(schema, [p for p in hints.parameters if p.kind is not p.kind.KEYWORD_ONLY])
    annotated = of_record(hints.parameters[call.arguments is Arguments.AFTER_CONTEXT :])
    return schema if annotated is None else widened(schema, annotated)


def _values_of(requests: Sequence[JSONValue], name: str) -> list[JSONValue]:
    """Return what the sample's requests hold under a name, without the missing."""
    found = (request.get(name) for request in requests if isinstance(request, dict))
    return [value for value in found if value is not None]
