"""Write `convert.py`: how a request becomes the model's input, and the model's answer a response."""

from __future__ import annotations

from collections.abc import Collection

from typing_extensions import assert_never

from scaffold.render import _code
from scaffold.render._code import Imports, Node, each, name, statement
from scaffold.render._source._answers import Answers
from scaffold.render._source._frames import Batch
from scaffold.render._source._shapes import annotation
from scaffold.render._source._values import Values
from scaffold.render.kinds import kind_of
from scaffold.spec import (
    Arguments,
    Arrays,
    Column,
    Dict,
    Field,
    Mapping,
    Parts,
    Python,
    Record,
    Schema,
    Signature,
    Standalone,
    Table,
    Tensor,
    TorchCall,
    UserType,
    Value,
    as_series,
)


def render_convert(signature: Signature, columns: Collection[str] = ()) -> str:
    """Return the text of `convert.py`.

    Args:
        signature: What the model takes and returns.
        columns: The columns that are arrays of a dict, for a compiled model; empty for the model itself.
    """
    imports = Imports()
    imports.take("app.schemas", "ModelInput", "ModelOutput")
    writer = _Inputs(imports, signature, columns)
    to_model = writer.to_model()
    from_model = Answers(imports, signature).from_model()
    docstring = '"""Between HTTP and the model: records in the form it takes, its answers as records."""'
    constants = "\n".join(writer.batch.constants)
    own = [signature.input.module] if isinstance(signature.input, UserType) else []
    return _code.merged(
        f"{docstring}\n\n{imports.render(own=own)}" + (f"\n\n{constants}" if constants else ""),
        to_model,
        from_model,
    )


def render_to_model(signature: Signature, columns: Collection[str] = (), words: str = "") -> str:
    """Return the text of a module with `to_model` alone; `words` is its docstring."""
    imports = Imports()
    imports.take("app.schemas", "ModelInput")
    writer = _Inputs(imports, signature, columns)
    call = signature.call
    to_model = writer.to_model(as_tensor=isinstance(call, TorchCall) and call.tensor)
    constants = "\n".join(writer.batch.constants)
    head = f'"""{words}"""\n\n{imports.render()}'
    return _code.merged(head + (f"\n\n{constants}" if constants else ""), to_model)


class _Inputs:
    def __init__(self, imports: Imports, signature: Signature, columns: Collection[str] = ()) -> None:
        self.imports, self.signature, self.columns = imports, signature, columns
        self.values = Values(imports)
        self.batch = Batch(imports, self.values)

    def to_model(self, *, as_tensor: bool = False) -> str:
        """Return the function `to_model`; `as_tensor` is for an array that the model takes as a tensor."""
        call_ = self.signature.call
        together = call_.batched or call_.wrapped
        lines: list[str] = []
        if call_.batched:
            self.imports.take("collections.abc", "Sequence")
            parameter = "records: Sequence[ModelInput]"
        else:
            parameter = "record: ModelInput"
        if call_.wrapped:
            lines.append("    records = [record]")
        expression = self._container() if together else self._record_expression()
        if as_tensor:
            self.imports.whole("torch")
            expression = _code.call("torch.as_tensor", expression)
        lines.append(statement("return ", expression, indent=4))
        returns = "list[Any]" if call_.batched and self._is_list() else self._returns()
        returns = "torch.Tensor" if as_tensor else returns
        head = f"def to_model({parameter}) -> {returns}:"
        words = "    " + self._docstring()
        return "\n".join([head, words, *lines])

    def _returns(self) -> str:
        """Return the annotation of the model's input."""
        schema = self.signature.input
        if self.columns:
            self.imports.take("typing", "Any")
            self.imports.take("numpy.typing", "NDArray")
            return "dict[str, NDArray[Any]]"
        if isinstance(schema, UserType) and not self.signature.call.batched:
            top, _, rest = schema.qualname.partition(".")
            self.imports.take(schema.module, top)
            return f"{top}.{rest}" if rest else top
        if (
            isinstance(schema, Record)
            and schema.form == Dict()
            and self.signature.call.arguments is not Arguments.POSITIONAL
        ):
            self.imports.take("typing", "Any")
            return "dict[str, Any]" if not any(field.label for field in schema.fields) else "dict[Any, Any]"
        return annotation(schema, self.imports)

    def _is_list(self) -> bool:
        """Whether a batch is a plain list."""
        schema = self.signature.input
        match schema:
            case Table(container=container):
                return kind_of(container).is_list
            case Record(form=Arrays()):
                return False
            case Value(field=field) if as_series(field.schema) is not None:
                return False
            case Standalone() | Record() | Value() | Tensor() | Parts() | Column():
                self.imports.take("typing", "Any")
                return True
            case _:
                assert_never(schema)

    def _docstring(self) -> str:
        call_ = self.signature.call
        match self.signature.input:
            case Table() if self.columns:
                words = "Return the columns that the model takes, each as an array."
            case Table(container=Python()) if not call_.batched:
                words = "Return the record as the model takes it."
            case Table(container=container):
                words = kind_of(container).words
            case Value(field=Field(schema=Tensor())):
                words = "Return the array that the model takes."
            case _ if call_.arguments is Arguments.KEYWORDS:
                words = "Return the keyword arguments of the call."
            case _ if call_.arguments is Arguments.POSITIONAL:
                words = "Return the arguments of the call."
            case _ if call_.batched:
                words = "Return the records as the model takes them."
            case _:
                words = "Return the record as the model takes it."
        return f'"""{words}"""'

    def _container(self) -> Node:
        """Return the expression for many records at once."""
        schema = self.signature.input
        match schema:
            case Table() if self.columns:
                return self.batch.arrays(schema, self.columns)
            case Table():
                return self.batch.table(schema)
            case Record(fields=fields, form=Arrays(options=options)):
                return self._arguments(fields, options)
            case Value(field=Field(schema=Column() as column)):
                return self.batch.series(column, "record.data")
            case Value(field=Field(schema=Tensor(stacked=True) as tensor, attribute=attribute)):
                return self._stack(tensor, f"record.{attribute}")
            case Standalone() | Record() | Value() | Tensor() | Parts() | Column():
                return each(self._record(schema), "record", "records")
            case _:
                assert_never(schema)

    def _record_expression(self) -> Node:
        """Return the expression for one record."""
        schema = self.signature.input
        if self.signature.call.arguments is Arguments.POSITIONAL and isinstance(schema, Record):
            return _code.parenthesised(
                [self.values.of(f.schema, f"record.{f.attribute}") for f in schema.fields]
            )
        return self._record(schema)

    def _record(self, schema: Schema) -> Node:
        if isinstance(schema, UserType):
            return name("record.root")
        if isinstance(schema, Mapping):
            return self.values.of(schema, "record.root")
        return self.values.of(schema, "record")

    def _stack(self, tensor: Tensor, value: str) -> Node:
        return self.values.array(tensor, value, lambda nested: each(nested, "record", "records"))

    def _argument(self, schema: Schema, value: str) -> Node:
        match schema:
            case Table():
                return self.batch.argument(schema, value)
            case Column():
                return self.batch.series(schema, value)
            case Tensor():
                return self._stack(schema, value)
            case Standalone() | Record() | Value() | Parts():
                return each(self.values.of(schema, value), "record", "records")
            case _:
                assert_never(schema)

    def _arguments(self, fields: tuple[Field, ...], options: tuple[str, ...]) -> Node:
        arguments = [
            self.values.of(field.schema, f"record.{field.attribute}")
            if field.name in options
            else self._argument(field.schema, f"record.{field.attribute}")
            for field in fields
        ]
        if self.signature.call.arguments is Arguments.POSITIONAL:
            return _code.parenthesised(arguments)
        return _code.mapping(
            [(_code.label(f.name, f.label), node) for f, node in zip(fields, arguments, strict=True)]
        )
