"""Options that several commands share, derived from the fields of `Options` and `ClusterAccess`."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from scaffold.errors import InvalidOptionError, NotAnAssignmentError, ScaffoldError
from scaffold.verbs.options import Options

if TYPE_CHECKING:
    from scaffold.cluster import ClusterAccess, Pace


def choices(*values: str) -> Callable[[str], list[str]]:
    """Return what completes an option that takes one of these; other errors than a wrong value stay ours."""
    return lambda incomplete: [value for value in values if value.startswith(incomplete)]


def targets(context: typer.Context, incomplete: str) -> list[str]:
    """Return the targets of the project that the command line names, for completion."""
    from scaffold.base.checked import target_names

    # The words before an option without its value are not read yet.
    folders = [Path(word) for word in context.args if Path(word).is_dir()]
    try:
        names = target_names(folders[0] if folders else Path(context.params.get("project") or "."))
    except (OSError, ScaffoldError):
        return []
    return choices(*names)(incomplete)


HEADER = Annotated[
    list[str],
    typer.Option(
        help="A header of the requests to the service: 'Authorization: Bearer ...'. It is written nowhere.",
        metavar="NAME: VALUE",
    ),
]


def parse_headers(texts: list[str]) -> dict[str, str]:
    """Return the headers by name.

    Raises:
        UsageError: A text is no header.
    """
    headers: dict[str, str] = {}
    for number, text in enumerate(texts, 1):
        name, colon, value = (part.strip() for part in text.partition(":"))
        if not colon or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not value.isprintable():
            raise InvalidOptionError("header", f"number {number}")
        headers[name] = value
    return headers


STORE = Annotated[
    str | None, typer.Option(help="Database URL of the record.", envvar="SCAFFOLD_STORE", show_envvar=True)
]
AS_JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
TIMEOUT = Annotated[float | None, typer.Option(help="Seconds to wait for the pods.")]


def pace_of(timeout: float | None) -> Pace | None:
    """Return how long a verb of the cluster waits for `--timeout`; None for the default."""
    from scaffold.cluster import Pace

    return None if timeout is None else Pace(rollout_s=timeout, address_s=timeout)


_CLUSTER = {
    "kubeconfig": "A kubeconfig: a path, or its content.",
    "context": "A context of the kubeconfig.",
}


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with an option for each field of `Options`, in place of its parameter `options`.

    The command gets a dict of the given fields only: an update takes the others from the record.
    """

    def read(options: dict[str, Any]) -> dict[str, Any]:
        options["types"] = assignments(options["types"], "types")
        return {name: value for name, value in options.items() if value}

    return _with_options(command, "options", [_parameter(each) for each in fields(Options)], read)


def cluster_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return `command` with `--kubeconfig`, `--context` and `--header` in place of its parameter `access`."""

    def read(options: dict[str, Any]) -> ClusterAccess:
        from scaffold.cluster import ClusterAccess

        return ClusterAccess(headers=parse_headers(options.pop("header")), **options)

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(help=text)],
        )
        for name, text in _CLUSTER.items()
    ]
    parameters.append(
        inspect.Parameter("header", inspect.Parameter.KEYWORD_ONLY, default=[], annotation=HEADER)
    )
    return _with_options(command, "access", parameters, read)


def _with_options(
    command: Callable[..., None],
    name: str,
    added: list[inspect.Parameter],
    read: Callable[[dict[str, Any]], object],
) -> Callable[..., None]:
    """Return `command` with the options `added` for its parameter `name`, whose value `read` computes."""
    signature = inspect.signature(command)
    replaced = str(signature.parameters[name].annotation)  # it may be imported for type checkers only
    hints = get_type_hints(command, localns={replaced: object}, include_extras=True)
    kept = [
        parameter.replace(annotation=hints[each])
        for each, parameter in signature.parameters.items()
        if each != name
    ]

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        values = {each.name: arguments.pop(each.name) for each in added}
        command(**arguments, **{name: read(values)})

    wrapped.__signature__ = signature.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in (*kept, *added)}
    return wrapped


def assignments(pairs: list[str], option: Literal["types", "answers", "metrics", "params"]) -> dict[str, str]:
    """`zip=str` as {"zip": "str"}; the field's name may hold `=`, the type never does.

    Of a parameter the value may hold it.
    """
    assigned = {}
    for pair in pairs:
        name, equals, value = pair.partition("=") if option == "params" else pair.rpartition("=")
        if not equals or not name:
            raise NotAnAssignmentError(option, pair)
        assigned[name] = value
    return assigned


def _parameter(each: Field[Any]) -> inspect.Parameter:
    """Return the parameter for one field; its default is `None`, an empty list or false."""
    metadata = each.metadata
    flag = metadata["flag"] or f"--{each.name.replace('_', '-')}"
    option = typer.Option(
        flag,
        help=metadata["help"],
        metavar=metadata["metavar"] or None,
        autocompletion=choices(*metadata["choices"]) if metadata["choices"] else None,
    )
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
