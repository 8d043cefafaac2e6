"""Trees as one operator of ONNX, which onnxruntime computes in the precision of the library.

`TreeEnsemble` takes thresholds and leaves of 64 bits, where the converters of the libraries (skl2onnx,
onnxmltools) write results of 32 bits: a row at a threshold, and a probability near 0, would differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from scaffold.base.onnx_file import Operator, write_onnx
from scaffold.introspect.fast._ensemble import LEAF, Ensemble, Tree
from scaffold.introspect.fast._values import constant
from scaffold.spec import Constant, FastGraph

_SUM, _UNCHANGED = 1, 0
_LESS_OR_EQUAL, _LESS, _MEMBER = 0, 1, 6


def tree_graph(ensemble: Ensemble) -> FastGraph:
    """Return the graph that sums the leaves of trees, one after the other.

    Raises:
        NotCompiledError: They have too many nodes.
    """
    import numpy as np

    ensemble.require_few_nodes()
    trees, dtype = list(_of_one_sum(ensemble.trees)), ensemble.dtype
    parts = _joined([_split(tree) for tree in trees])
    sets = [each for tree in trees for each in tree.members if each is not None]
    modes = np.where(parts["is_set"], _MEMBER, _LESS if ensemble.strict else _LESS_OR_EQUAL).astype(np.uint8)
    attributes: dict[str, int | Sequence[int] | Constant] = {
        "aggregate_function": _SUM,
        "leaf_targetids": parts["target"].tolist(),
        "leaf_weights": constant("leaf_weights", parts["value"].astype(dtype)),
        "n_targets": ensemble.targets,
        "nodes_falseleafs": parts["right_is_leaf"].tolist(),
        "nodes_falsenodeids": parts["right"].tolist(),
        "nodes_featureids": parts["feature"].tolist(),
        "nodes_missing_value_tracks_true": parts["nan_left"].tolist(),
        "nodes_modes": constant("nodes_modes", modes),
        "nodes_splits": constant("nodes_splits", parts["threshold"].astype(dtype)),
        "nodes_trueleafs": parts["left_is_leaf"].tolist(),
        "nodes_truenodeids": parts["left"].tolist(),
        "post_transform": _UNCHANGED,
        "tree_roots": parts["root"].tolist(),
    }
    if sets:
        members = [value for each in sets for value in (*each, np.nan)]
        attributes["membership_values"] = constant("membership_values", np.array(members, dtype=dtype))
    operator = Operator(
        name="TreeEnsemble",
        domain="ai.onnx.ml",
        version=5,
        dtype=dtype,
        columns=(ensemble.columns, ensemble.targets),
        attributes=attributes,
    )
    compared = ~parts["is_set"]
    thresholds = parts["threshold"][compared].astype(np.float64)
    points = constant("feature", parts["feature"][compared]), constant("threshold", thresholds)
    return FastGraph(content=write_onnx(operator), thresholds=points)


def _of_one_sum(trees: Sequence[Tree]) -> Iterator[Tree]:
    """Yield trees that add to one sum each."""
    import numpy as np

    for tree in trees:
        value = np.asarray(tree.value)
        if value.ndim == 1:
            yield tree
        else:
            for target in range(value.shape[1]):
                yield replace(tree, value=value[:, target], target=target)


def _split(tree: Tree) -> dict[str, Any]:
    """Return the arrays of a tree: those of its inner nodes, and those of its leaves by themselves."""
    import numpy as np

    left, right = np.asarray(tree.left, dtype=np.int64), np.asarray(tree.right, dtype=np.int64)
    leaf = left == LEAF
    place = np.where(leaf, leaf.cumsum(), (~leaf).cumsum()) - 1  # among the leaves, or the inner nodes
    inner = ~leaf
    is_set = np.array([each is not None for each in tree.members] or np.zeros(len(leaf), dtype=bool))
    made = {
        "left": place[left[inner]],
        "right": place[right[inner]],
        "left_is_leaf": leaf[left[inner]].astype(np.int64),
        "right_is_leaf": leaf[right[inner]].astype(np.int64),
        "feature": np.asarray(tree.feature)[inner].astype(np.int64),
        "threshold": np.asarray(tree.threshold)[inner],
        "nan_left": np.asarray(tree.nan_left)[inner].astype(np.int64),
        "is_set": is_set[inner],
        "value": np.asarray(tree.value)[leaf],
    }
    if leaf[0]:  # a root has to be an inner node: both of its children are the leaf
        zero, one = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
        made |= {"left": zero, "right": zero, "left_is_leaf": one, "right_is_leaf": one}
        made |= {"feature": zero, "threshold": np.zeros(1), "nan_left": one, "is_set": zero.astype(bool)}
    return {**made, "target": np.full(len(made["value"]), tree.target, dtype=np.int64)}


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the arrays of all trees, with children counted over all of them."""
    import numpy as np

    inner = np.cumsum([0, *(len(part["left"]) for part in parts)])
    leaves = np.cumsum([0, *(len(part["value"]) for part in parts)])
    for part, first, first_leaf in zip(parts, inner.tolist(), leaves.tolist(), strict=False):
        for side in ("left", "right"):
            part[side] = part[side] + np.where(part[f"{side}_is_leaf"] == 1, first_leaf, first)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**joined, "root": inner[:-1]}
