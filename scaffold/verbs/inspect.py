"""`inspect`: what `new` would make, without writing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scaffold.events import OnEvent, ignore
from scaffold.spec import ProjectSpec
from scaffold.verbs._specify import specify
from scaffold.verbs.options import ModelOptions, Options

if TYPE_CHECKING:
    from typing import Unpack


def inspect(
    model: Any,
    input: Any = None,
    output: Any = None,
    *,
    on_event: OnEvent = ignore,
    **options: Unpack[ModelOptions],
) -> ProjectSpec:
    """Return what `new` would make a project of. Writes nothing.

    `artifact.path` of it is the given file. For a model in memory, and for one whose file would be rewritten
    for the service, it is a temporary file that stays until this process ends.

    Args:
        model: As for `new`, like the others.
        input: A sample of its input; without it, the sample that the source of the model has.
        output: What the model gives for it.
        on_event: Called with each event.
        options: The fields of `Options`.

    Raises:
        ScaffoldError: A leaf of it, which says what to do.
    """
    model_options = Options(**options)
    with specify(model, input, output, "model", {}, model_options, on_event, keep_model=True) as spec:
        return spec
