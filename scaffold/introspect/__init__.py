"""From a model and its samples to a `Signature`: the schemas of input and output, and the call.

`kinds` describes the objects of each library, `hints` reads what a model says about itself, `call` finds how
it is called, `fields` builds the fields. Each imports only from those before it; the files here are shared
by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from scaffold.introspect._layouts import Layout
from scaffold.introspect._unicode import require_unicode
from scaffold.introspect.call._calls import ResolvedCall, find_call
from scaffold.introspect.fast import read_fast_plan
from scaffold.introspect.fields._annotations import first_parameter_schema, widen
from scaffold.introspect.fields._bounds import with_bounds
from scaffold.introspect.fields._contradictions import without_contradictions
from scaffold.introspect.fields._indices import with_index_bounds
from scaffold.introspect.fields._inputs import describe_input, requests_of
from scaffold.introspect.fields._outputs import answers_of, describe_output
from scaffold.introspect.fields._parameters import with_parameters
from scaffold.introspect.fields._refine import (
    cast,
    notes_of,
    with_categories,
    with_classes,
    with_feature_types,
    with_levels,
    with_overrides,
)
from scaffold.introspect.hints._boosters import category_levels
from scaffold.introspect.hints._column_transformer import begins_with_simple_column_transformer
from scaffold.introspect.hints._hints import Hints, model_hints
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

__all__ = ["Introspection", "encode_answers", "infer_signature", "read_fast_plan", "require_unicode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """A signature, the sample as HTTP requests, and the sample as the model takes it."""

    signature: Signature
    recording: Recording
    sample: Any
    output: Any
    resolved: ResolvedCall
    """The call that was found."""


_NO_OVERRIDES = Overrides()


def infer_signature(
    model: object,
    sample_input: object,
    sample_output: object = None,
    *,
    method: str | None = None,
    overrides: Overrides = _NO_OVERRIDES,
) -> Introspection:
    """Infer the schemas of the model's input and output from a sample, and how to call the model.

    Args:
        model: The loaded model.
        sample_input: One record or several, in any of the kinds of `docs/samples.md`.
        sample_output: The expected predictions; `None` runs the model to get them.
        method: The method to call, where several give the output.
        overrides: Options for fields that the sample does not settle.

    Raises:
        UnsupportedSampleError: JSON cannot represent a value of the sample.
        CallError: The model does not take the sample, or does not give the output.
    """
    sample_input = cast(sample_input, overrides.types)
    resolved = find_call(model, sample_input, sample_output, method=method, nullable=overrides.nullable)
    hints = model_hints(model, resolved.call.method)
    arguments = [
        p.name for p in hints.parameters if p.kind in (p.kind.POSITIONAL_ONLY, p.kind.POSITIONAL_OR_KEYWORD)
    ]
    described = describe_input(resolved, resolved.names or hints.feature_names, arguments)
    described = with_levels(described, category_levels(model))
    schema = with_bounds(_with_hints(described, resolved, hints), model, resolved)
    schema = with_index_bounds(schema, model, resolved)
    requests = requests_of(resolved, schema, arguments)
    schema = without_contradictions(schema, requests)
    schema = with_overrides(schema, overrides, requests[0], lambda name: _values_of(requests, name))
    output = with_classes(describe_output(resolved), resolved.call.method, hints.classes)
    signature = Signature(
        input=schema,
        output=output,
        call=_shorten_call(resolved.call, model, schema),
        one_row=not resolved.call.batched and resolved.layout is not Layout.WHOLE,
        notes=(*resolved.notes, *notes_of(resolved.rows, schema)),
    )
    recording = Recording(requests=requests, answers=answers_of(resolved, output))
    return Introspection(
        signature=signature,
        recording=recording,
        sample=resolved.sample,
        output=resolved.output,
        resolved=resolved,
    )


def encode_answers(inferred: Introspection, output: Any, rows: int) -> tuple[JSONValue, ...]:
    """Return the response bodies for other records than those of the sample.

    Args:
        inferred: How the model is called.
        output: What the model gave for the records, in one call.
        rows: The number of records.
    """
    resolved = replace(inferred.resolved, output=output, rows=rows)
    return answers_of(resolved, inferred.signature.output)


def _shorten_call(call: Call, model: object, schema: Schema) -> Call:
    """Return the call, marked `shortened` if the service implements the first step of the pipeline itself."""
    if not isinstance(call, PythonCall):
        return call
    return replace(call, shortened=begins_with_simple_column_transformer(model, schema))


def _with_hints(schema: Schema, resolved: ResolvedCall, hints: Hints) -> Schema:
    """Return the schema, refined by the model's encoders, annotations and defaults."""
    schema, call = with_feature_types(with_categories(schema, hints), hints), resolved.call
    if not isinstance(call, PythonCall) or not isinstance(schema, Record):
        return schema
    if call.arguments is Arguments.KEYWORDS:
        return with_parameters(schema, hints.parameters, resolved.fixed)
    if isinstance(schema.form, Arrays):
        return schema
    if call.arguments is Arguments.POSITIONAL:
        return with_parameters(schema, [p for p in hints.parameters if p.kind is not p.kind.KEYWORD_ONLY])
    annotated = first_parameter_schema(hints.parameters[call.arguments is Arguments.AFTER_CONTEXT :])
    return schema if annotated is None else widen(schema, annotated)


def _values_of(requests: Sequence[JSONValue], name: str) -> list[JSONValue]:
    """Return the values of a field in the sample's requests, without the missing ones."""
    values = (request.get(name) for request in requests if isinstance(request, dict))
    return [value for value in values if value is not None]
