"""Move the manifests of a project from a full copy for each target to a base and overlays.

An edit that the owner made in every target goes into the base. An edit of one target becomes a patch in its
folder.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.base.layout import BASE, DEPLOY, KUSTOMIZATION, KUSTOMIZATIONS
from scaffold.base.strategic_merge import is_empty, manifest_text, patch_of, patched
from scaffold.base.yaml_text import yaml_document, yaml_documents
from scaffold.upgrade._content import Content

_BASE_LIST = f"{BASE}/{KUSTOMIZATION}"


@dataclass(slots=True)
class Overlaid:
    """The trees of a merge with a base and overlays."""

    ancestor: dict[str, Content]
    ours: dict[str, Content]
    added: Mapping[str, Content]
    moves: dict[str, str] = field(default_factory=dict)
    """The owner's files that moved: the new path by the old one."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    """Edits that cannot be a patch, by path."""

    @property
    def patches(self) -> dict[str, Content]:
        """The files of the owner's in the folders of the targets."""
        return {path: content for path, content in self.ours.items() if path.startswith(f"{DEPLOY}/")}


def move_to_base(
    ancestor: Mapping[str, Content],
    theirs: Mapping[str, Content],
    ours: Mapping[str, Content],
    added: Mapping[str, Content],
) -> Overlaid:
    """Return the last state and the owner's files with a base and overlays.

    They stay as they are if they have a base already, or if the new state has none.

    Args:
        ancestor: The pristine project of the last update.
        theirs: The pristine project of the new state.
        ours: The owner's files at these paths.
        added: The owner's other files, among which are those that the owner renamed.
    """
    moved = Overlaid(dict(ancestor), dict(ours), dict(added))
    if _BASE_LIST in ancestor or _BASE_LIST not in theirs:
        return moved
    suffix = f"/{KUSTOMIZATION}"
    targets = [
        path.removeprefix(f"{DEPLOY}/").removesuffix(suffix)
        for path in sorted(ancestor)
        if path.startswith(f"{DEPLOY}/") and path.endswith(suffix)
    ]
    own = {**added, **ours}
    lists = {target: (_text(ancestor, target), _text(own, target)) for target in targets}
    names = [path.removeprefix(f"{BASE}/") for path in sorted(theirs) if path.startswith(f"{BASE}/")]
    patches: dict[str, list[str]] = {target: [] for target in targets}
    removed = [name for name in names if _move(name, targets, lists, theirs, moved, patches)]
    if targets:
        moved.ancestor[_BASE_LIST] = theirs[_BASE_LIST]
        moved.ours[_BASE_LIST] = _without(_decode(theirs[_BASE_LIST]), removed).encode()
    for target, (old, mine) in lists.items():
        _move_list(target, old, mine, theirs, moved, patches[target])
    return moved


def _move(
    name: str,
    targets: Iterable[str],
    lists: Mapping[str, tuple[str, str]],
    theirs: Mapping[str, Content],
    moved: Overlaid,
    patches: Mapping[str, list[str]],
) -> bool:
    """Move one manifest to the base; return whether the owner had removed it from all targets."""
    targets_with_file = [target for target in targets if f"{DEPLOY}/{target}/{name}" in moved.ancestor]
    links = [f"{DEPLOY}/{target}/{name}" for target in targets_with_file]
    links = [path for path in links if not isinstance(moved.ours.get(path, b""), bytes)]
    moved.problems.update({path: [f"it is no text, so it cannot become {BASE}/{name}"] for path in links})
    if name == KUSTOMIZATION or not targets_with_file or links:
        return False
    olds: dict[str, str] = {}
    news: dict[str, str | None] = {}
    for target in targets_with_file:
        path = f"{DEPLOY}/{target}/{name}"
        old = moved.ancestor.pop(path)
        if path not in moved.ours:
            path = _renamed(target, old, lists[target], moved.added) or path
        mine = moved.ours.pop(path, moved.added.get(path))
        olds[target] = _plain(_decode(old), lists[target][0])
        own_name = path.removeprefix(f"{DEPLOY}/{target}/")
        left_out = _is_listed(lists[target][0], name) and not _is_listed(lists[target][1], own_name)
        news[target] = None if mine is None or left_out else _plain(_decode(mine), lists[target][0])
        if mine is not None:
            moved.moves[path] = f"{BASE}/{name}"
    first = targets_with_file[0]
    place = f"{BASE}/{name}"
    moved.ancestor[place] = olds[first].encode()
    common = _edit(olds[first], news[first])
    if all(_edit(olds[target], news[target]) == common for target in targets_with_file):
        text = news[first]
        if text is not None:
            moved.ours[place] = text.encode()
        return text is None
    moved.ours[place] = olds[first].encode()
    for target in targets_with_file:
        if news[target] != olds[target] and _add_patch(
            target, name, olds[target], news[target], theirs, moved
        ):
            patches[target].append(name)
    return False


def _add_patch(
    target: str, name: str, old: str, new: str | None, theirs: Mapping[str, Content], moved: Overlaid
) -> bool:
    """Write an edit of one target as a patch; return whether its kustomization has to list the file."""
    path = f"{DEPLOY}/{target}/{name}"
    before, after = _object(old), None if new is None else _object(new)
    if before is None or (new is not None and after is None):
        moved.ours[path] = (new or "").encode()
        moved.problems[path] = [f"it is not one object, so it cannot be a patch of {BASE}/{name}"]
        return False
    patch = patch_of(before, after)
    rendered = theirs.get(path)
    if rendered is not None:
        moved.ancestor[path] = rendered
        moved.ours[path] = (
            rendered if is_empty(patch) else _with_patch(rendered, patch, theirs[f"{BASE}/{name}"])
        )
        return False
    if is_empty(patch):
        moved.problems[path] = [f"only its comments differ from {BASE}/{name}: take over what you need"]
        moved.ours[path] = (new or "").encode()
        return False
    moved.ours[path] = f"# Your changes of {BASE}/{name} for {target}.\n{manifest_text(patch)}".encode()
    return True


def _renamed(target: str, old: Content, lists: tuple[str, str], added: Mapping[str, Content]) -> str:
    """Return the path of a manifest that the owner renamed and its target lists; empty if there is none."""
    new = [f"{DEPLOY}/{target}/{each}" for each in _resources(lists[1]) if not _is_listed(lists[0], each)]
    known = (path for path in new if path in added)
    return next((path for path in known if _is_same(_decode(old), _decode(added[path]))), "")


def _is_same(old: str, new: str) -> bool:
    """Whether two manifests are of the same object."""
    names = [(each["kind"], each["metadata"].get("name")) for each in map(_object, (old, new)) if each]
    return len(names) == 2 and names[0] == names[1]


def _move_list(
    target: str, old: str, mine: str, theirs: Mapping[str, Content], moved: Overlaid, patches: list[str]
) -> None:
    """Let the kustomization of a target list the base in place of its own manifests."""
    path, own_path = f"{DEPLOY}/{target}/{KUSTOMIZATION}", _list_path({**moved.added, **moved.ours}, target)
    if path not in theirs or not mine:
        return
    if old == mine:
        moved.ancestor[path] = theirs[path]
        text = _decode(theirs[path])
    else:
        resources = _resources(old)
        moved.ancestor[path] = _with_base(old, resources).encode()
        renamed = [place.removeprefix(f"{DEPLOY}/{target}/") for place in moved.moves]
        text = _with_base(mine, [*resources, *renamed])
        if "../base" not in _resources(text):
            moved.problems[own_path] = [f"`resources` has to list ../base, to which {resources} moved"]
    moved.ours[own_path] = _with_patches(text, patches).encode()


def _edit(old: str, new: str | None) -> Any:
    """What an owner changed in a manifest, to be compared with the same of another target."""
    if new is None or old == new:
        return new is None
    before, after = _object(old), _object(new)
    return new if before is None or after is None else patch_of(before, after)


def _with_patch(rendered: Content, patch: Mapping[str, Any], base: Content) -> bytes:
    """The patch of a target with the owner's `patch` of the same object on top."""
    document, first = _object(_decode(base)), _object(_decode(rendered))
    assert document is not None
    assert first is not None
    both = patched(document, first)
    return manifest_text(patch_of(document, both and patched(both, patch))).encode()


def _object(text: str) -> dict[str, Any] | None:
    """The only object of a manifest; none if it has several or is no YAML."""
    import yaml

    try:
        documents = [each for each in yaml_documents(text) if each]
    except yaml.YAMLError:
        return None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        return None
    document: dict[str, Any] = documents[0]
    is_named = {"apiVersion", "kind", "metadata"} <= set(document) or "$patch" in document
    return document if is_named else None


def _resources(kustomization: str) -> list[str]:
    """The resources that a kustomization lists."""
    import yaml

    try:
        loaded = yaml_document(kustomization)
    except yaml.YAMLError:
        return []
    resources = loaded.get("resources") if isinstance(loaded, dict) else None
    return [posixpath.normpath(str(each)) for each in resources] if isinstance(resources, list) else []


def _is_listed(kustomization: str, name: str) -> bool:
    return name in _resources(kustomization)


def _plain(text: str, kustomization: str) -> str:
    """A manifest without the namespace that the kustomization sets."""
    loaded = yaml_document(kustomization)
    namespace = loaded.get("namespace") if isinstance(loaded, dict) else None
    return "".join(
        line for line in text.splitlines(keepends=True) if line.rstrip() != f"  namespace: {namespace}"
    )


def _without(kustomization: str, names: Iterable[str]) -> str:
    items = {f"- {name}" for name in names}
    return "".join(line for line in kustomization.splitlines(keepends=True) if line.strip() not in items)


def _with_base(kustomization: str, generated: Iterable[str]) -> str:
    """A kustomization with the base in place of the `generated` manifests, in any style of YAML."""
    import yaml

    try:
        document: Any = yaml.compose(kustomization, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return kustomization
    fields = document.value if isinstance(document, yaml.MappingNode) else []
    listed = next((value for key, value in fields if key.value == "resources"), None)
    items = listed.value if isinstance(listed, yaml.SequenceNode) else []
    names = set(generated)
    generated_items = [item for item in items if posixpath.normpath(str(item.value)) in names]
    edits: list[tuple[int, int, str]] = []
    if listed is not None and listed.flow_style and generated_items:
        others = [item for item in items if item not in generated_items]
        texts = ["../base", *(kustomization[each.start_mark.index : each.end_mark.index] for each in others)]
        edits = [(listed.start_mark.index, listed.end_mark.index, f"[{', '.join(texts)}]")]
    else:
        for place, item in enumerate(generated_items):
            start = item.start_mark.index
            first = kustomization.rfind("\n", 0, start) + 1
            end = kustomization.find("\n", start) + 1 or len(kustomization)
            newline = kustomization[first:end][len(kustomization[first:end].rstrip("\r\n")) :]
            edits.append((first, end, "") if place else (start, end, f"../base{newline}"))
    for start, end, text in sorted(edits, reverse=True):
        kustomization = kustomization[:start] + text + kustomization[end:]
    return kustomization


def _with_patches(kustomization: str, names: list[str]) -> str:
    """A kustomization that lists patches."""
    if not names:
        return kustomization
    items = "".join(f"  - path: {name}\n" for name in names)
    lines = kustomization.splitlines(keepends=True)
    at = next((index for index, line in enumerate(lines) if line.startswith("patches:")), None)
    if at is not None:
        return "".join([*lines[: at + 1], items, *lines[at + 1 :]])
    at = next((index for index, line in enumerate(lines) if line.startswith("images:")), len(lines))
    return "".join([*lines[:at], f"patches: # what differs from the base\n{items}", *lines[at:]])


def _list_path(tree: Mapping[str, Content], target: str) -> str:
    """Return the path of a target's kustomization, which the owner may have renamed."""
    paths = [f"{DEPLOY}/{target}/{name}" for name in KUSTOMIZATIONS]
    return next((path for path in paths if path in tree), paths[0])


def _text(tree: Mapping[str, Content], target: str) -> str:
    return _decode(tree.get(_list_path(tree, target), b""))


def _decode(content: Content) -> str:
    return content.decode() if isinstance(content, bytes) else ""
