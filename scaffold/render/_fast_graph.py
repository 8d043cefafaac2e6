"""What a compiled model has besides, where onnxruntime computes its last step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from scaffold.base.layout import FAST_CHECK, FAST_GRAPH, FAST_THRESHOLDS
from scaffold.base.npz import write_npz
from scaffold.render._score import OPEN_IMPORT
from scaffold.spec import Dependencies, FastGraph, FastStep

_DOC = '''"""The model's own arithmetic: its steps with numpy, the last one with onnxruntime.

`FastModel` has the steps of the model in order; their constants are in model/fast.npz, the graph of
the last one is model/fast.onnx. The model file stays what counts: `python -m tests.fast` compares
both, tests/test_fast.py on fewer rows.
"""'''
NETWORK = "Network"
"""The step that is a whole model: a module of torch."""
_NETWORK_DOC = '''"""The model's own arithmetic with onnxruntime: the graph model/fast.onnx, from torch.

The model file stays what counts: `python -m tests.fast` compares both, tests/test_fast.py on fewer
rows.
"""'''
_COMPARE = f"{FAST_CHECK}/compare.py"
_FIELDS = f"{FAST_CHECK}/fields.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeParts:
    """The parts of `app/fast.py` before its classes that differ by what computes the last step."""

    doc: str
    standard: tuple[str, ...] = ()
    """Imports of the standard library."""
    libraries: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Imports of the project."""
    constants: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Further files of the project."""


def graph_parts(graph: FastGraph, estimator: FastStep) -> CodeParts:
    """Return the parts for a graph that computes the estimator."""
    name = PurePosixPath(FAST_GRAPH).name
    return CodeParts(
        doc=_NETWORK_DOC if estimator.step == NETWORK else _DOC,
        standard=("from pathlib import Path",),
        libraries=("import onnxruntime",),
        own=("", OPEN_IMPORT),
        constants=(
            f'GRAPH = Path(__file__).parents[1] / "model" / "{name}"',
            f'GRAPH_SHA256 = "{hashlib.sha256(graph.content).hexdigest()}"',
        ),
        files={FAST_GRAPH: graph.content},
    )


def with_runtime(dependencies: Dependencies, graph: FastGraph) -> Dependencies:
    """Return the dependencies with what runs the graph."""
    if graph.requirement is None:
        return dependencies
    others = [
        line for line in dependencies.requirements if line.distribution != graph.requirement.distribution
    ]
    lines = sorted([*others, graph.requirement], key=lambda line: (line.serves, line.distribution))
    return replace(dependencies, requirements=tuple(lines), lock=graph.lock or dependencies.lock)


def graph_check(files: Mapping[str, bytes], graph: FastGraph) -> dict[str, bytes]:
    """Return the files of `tests/fast/` for a graph: floats to 6 digits, and the thresholds in a file."""
    changed = dict(files)
    for path, old, new in (*_CHANGES, *(_THRESHOLD_CHANGES if graph.thresholds else ())):
        assert changed[path].count(old.encode()) == 1, f"{path}: {old}"
        changed[path] = changed[path].replace(old.encode(), new.encode())
    if graph.thresholds:
        changed[FAST_THRESHOLDS] = write_npz({each.parameter: each for each in graph.thresholds})
    return changed


_PATHS = 'CONSTANTS = MODEL.with_name("fast.npz")\n'
_LOAD = "            self.fast = FastModel(dict(np.load(file)))\n"
_EXACT = """\
RELATIVE = 1e-12
SMALLEST = 1e-300  # below, a float has fewer digits
"""
_IF_EXACT = """\
        if usual.dtype == np.float64:
            return np.allclose(own, usual, rtol=RELATIVE, atol=SMALLEST, equal_nan=True)
"""
_THRESHOLD_CHANGES = (
    (_FIELDS, _PATHS, f'{_PATHS}THRESHOLDS = Path(__file__).with_name("thresholds.npz")\n'),
    (_COMPARE, "import CONSTANTS, METHODS, load_model", "import CONSTANTS, METHODS, THRESHOLDS, load_model"),
    (_COMPARE, _LOAD, f"{_LOAD}        vars(self.fast.last.trees).update(np.load(THRESHOLDS))\n"),
)
"""For a graph of trees, as `_CHANGES`."""
_CHANGES = (
    (_COMPARE, _EXACT, ""),
    (_COMPARE, "for floats of 32 bits, of the largest", "of the largest"),
    (_COMPARE, "12 digits, those of 32 bits to 6; the rest", "6 digits, the rest"),
    (_COMPARE, _IF_EXACT, ""),
)
"""Of `compare.py` and `fields.py`: the path, the lines for numpy, and those for a graph."""
