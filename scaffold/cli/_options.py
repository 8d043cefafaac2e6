"""The fields of `Options` as options of a command: said once, there, for every verb that takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from scaffold._options import Options
from scaffold.errors import UsageError

_LIST = (list, "Sequence")


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with an option for each field of `Options`, in place of its parameter `options`.

    The command gets the fields that were given as a dict: an update takes the others from the last time.
    """
    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    made = [_parameter(each) for each in fields(Options)]
    kept = [
        parameter.replace(annotation=hints[name])
        for name, parameter in signature.parameters.items()
        if name != "options"
    ]

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        given = {each.name: arguments.pop(each.name) for each in made}
        given["types"] = assignments(given["types"], "--type")
        options = {name: value for name, value in given.items() if value}
        command(**arguments, options=options)

    wrapped.__signature__ = signature.replace(parameters=[*kept, *made])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in (*kept, *made)}
    return wrapped


def assignments(pairs: list[str], option: str) -> dict[str, str]:
    """`zip=str` as {"zip": "str"}; the field's name may hold `=`, the type never does."""
    assigned = {}
    for pair in pairs:
        name, equals, value = pair.rpartition("=")
        if not equals or not name:
            raise UsageError(f"{option} {pair} names no field and type.\n  {option} zip=str")
        assigned[name] = value
    return assigned


def _parameter(each: Field[Any]) -> inspect.Parameter:
    """The option of one field: nothing given is `None`, an empty list or false."""
    metadata = each.metadata
    flag = metadata["flag"] or f"--{each.name.replace('_', '-')}"
    option = typer.Option(flag, help=metadata["help"], metavar=metadata["metavar"] or None)
    kind, default = _type_of(each)
    return inspect.Parameter(
        each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def _type_of(each: Field[Any]) -> tuple[Any, Any]:
    annotation = str(each.type)
    item = Path if "Path" in annotation else str
    if each.default is MISSING or each.default == ():
        return list[item], []  # type: ignore[valid-type]
    if isinstance(each.default, bool):
        return bool, False
    return (int if isinstance(each.default, int) else item) | None, None
