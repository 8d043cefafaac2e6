"""The operations of a TorchScript program that are not known to stay inside its tensors.

The code in such an archive is text in a subset of Python, which torch compiles to operations of its own. So
it is parsed as Python; an operation counts by its namespace, which says who brings it, and by its name where
it reads or writes files.
"""

from __future__ import annotations

import ast

_NAMESPACE_NAMES = """
    aten prim quantized _quantized quantization sparse mkl mkldnn mkldnn_prepacked onednn torchvision
"""
_NAMESPACES = frozenset(_NAMESPACE_NAMES.split())
_OF_FILES = frozenset({"save", "load", "from_file"})
"""The operations of `aten` that take the name of a file; those of torch 2.13 were all looked at."""


def script_operations(code: str) -> list[str]:
    """The operations in `code` that no model needs, as dotted names; a placeholder if parsing fails."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ["torch.jit.unreadable"]
    operations = set()
    for node in ast.walk(tree):
        operation = _dotted_name(node) if isinstance(node, ast.Attribute) else ""
        first, *rest = operation.split(".")
        if first == "torch" and rest and rest[-1] in _OF_FILES:
            operations.add(operation)
        elif first == "ops" and len(rest) > 1 and (rest[0] not in _NAMESPACES or rest[1] in _OF_FILES):
            operations.add(f"torch.{operation}")
    return sorted(operations)


def _dotted_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        inner = _dotted_name(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""
