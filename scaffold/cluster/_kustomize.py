"""Build a folder as `kubectl kustomize` does.

The part of kustomize that generated projects use is built here, so that no program is needed: resources,
namespace, images, and strategic merge patches. For anything else `kubectl` or `kustomize` is started.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.base.docker_hub import repository_of
from scaffold.base.layout import KUSTOMIZATIONS
from scaffold.base.process import run_command
from scaffold.base.strategic_merge import patched
from scaffold.base.yaml_text import yaml_documents
from scaffold.cluster._client import Manifest
from scaffold.cluster._scope import set_namespace
from scaffold.errors import ManifestError

_READ_KEYS = {"apiVersion", "kind", "metadata", "namespace", "resources", "images", "patches"}
_REMOTE = re.compile(r"://|^git@|^git::|\?ref=|^(github|gitlab|bitbucket)\.\w+/")
"""Addresses of repositories: `https://...`, `git@host:path`, `github.com/team/base?ref=v1`."""
_IMAGE_FIELDS = ("newName", "newTag", "digest")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_NAMESPACE = "namespace.yaml"
_DIRECTIVES = (
    "$patch: replace",
    "$patch: merge",
    "$retainKeys",
    "$setElementOrder",
    "$deleteFromPrimitiveList",
)


def build_kustomization(
    folder: Path, root: Path, *, images: Sequence[Manifest] | None = None
) -> list[Manifest]:
    """Return the objects of a folder with a `kustomization.yaml`.

    Args:
        folder: The folder of a target.
        root: The project: nothing outside of it is read.
        images: What stands for `images` of this kustomization; nothing for those that need `kubectl`.

    Raises:
        ManifestError: A file is missing, outside of the project or no YAML, or `kubectl` is needed and not
            installed.
        CommandError: `kubectl` refuses the folder.
    """
    path = _kustomization_of(folder)
    kustomization = _read_kustomization(path)
    _check_lists(kustomization, path)
    if strange := _strange(kustomization, folder):
        return _built(folder, strange)
    manifests: list[Manifest] = []
    for resource in kustomization.get("resources") or []:
        inner = _inside(folder / resource, root, path)
        manifests += build_kustomization(inner, root) if inner.is_dir() else _documents(inner)
    _require_unique(manifests, path)
    for patch in kustomization.get("patches") or []:
        for document in _patches(patch, folder, root):
            manifests = _with_patch(manifests, document, path)
    if namespace := kustomization.get("namespace"):
        set_namespace(manifests, namespace)
    for manifest in manifests:
        for image in (kustomization.get("images") or []) if images is None else images:
            _set_image(manifest, image)
    return manifests


def _kustomization_of(folder: Path) -> Path:
    """Return the one kustomization of a folder.

    Raises:
        ManifestError: It has none, or several.
    """
    paths = [folder / name for name in KUSTOMIZATIONS if (folder / name).is_file()]
    if len(paths) != 1:
        found = [f"there are: {', '.join(path.name for path in paths)}"] if paths else []
        problem = f"{folder} has {'more than one' if paths else 'no'} kustomization."
        raise ManifestError(problem, found, f"It needs one of: {', '.join(KUSTOMIZATIONS)}")
    return paths[0]


def _check_lists(kustomization: Mapping[str, Any], path: Path) -> None:
    """Check the entries of `resources`, `patches` and `images`, and `namespace`.

    Raises:
        ManifestError: One of them is not what Kustomize takes.
    """
    for key, expected, entry_type in (("resources", "paths", str), ("patches", "mappings", dict)):
        listed = kustomization.get(key) or []
        if not isinstance(listed, list) or not all(isinstance(entry, entry_type) for entry in listed):
            raise ManifestError(f"{path}: `{key}` is not a list of {expected}.", (f"found: {listed}",))
    entries = kustomization.get("images") or []
    is_list = isinstance(entries, list)
    if not is_list or not all(
        isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in entries
    ):
        raise ManifestError(
            f"{path} has an entry of `images` without a name.", (), "Write: images: [{name: NAME}]"
        )
    texts = [(field, entry.get(field)) for entry in entries for field in _IMAGE_FIELDS]
    for field, value in [("namespace", kustomization.get("namespace")), *texts]:
        if value is not None and not isinstance(value, str):
            raise ManifestError(f"{path}: `{field}` is no text.", (f"read: {value!r}",), "Put it in quotes.")
        if field == "newTag" and value and not _TAG.fullmatch(value):
            allowed = "A tag has letters, digits, '_', '.' and '-': feature-x for a branch feature/x."
            raise ManifestError(f"{path}: `newTag` is no tag of an image.", (f"newTag: {value}",), allowed)


def needs_kubectl(folder: Path) -> bool:
    """Whether `kubectl` or `kustomize` builds the folder."""
    return bool(_strange(_read_kustomization(_kustomization_of(folder)), folder))


def namespace_of(folder: Path) -> list[Manifest]:
    """Return the namespace in the folder of a target's kustomization, if there is one."""
    path = folder / _NAMESPACE
    return list(_documents(path)) if path.is_file() else []


def _strange(kustomization: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the fields and patches of a kustomization that this module does not support."""
    strange = sorted(set(kustomization) - _READ_KEYS)
    resources = map(str, kustomization.get("resources") or [])
    if any(_REMOTE.search(resource) and not (folder / resource).exists() for resource in resources):
        strange.append("remote resources")
    if any(image.get("tagSuffix") for image in kustomization.get("images") or []):
        strange.append("images with tagSuffix")  # which kustomize 5.5 adds twice in a Deployment
    for patch in kustomization.get("patches") or []:
        keys = sorted(set(patch) - {"path", "patch"})
        path = folder / str(patch.get("path", ""))
        text = path.read_text("utf-8", "replace") if path.is_file() else str(patch.get("patch", ""))
        if keys:
            strange.append(f"patches with {', '.join(keys)}")
        elif text.lstrip().startswith(("- op:", "[")):
            strange.append("patches with operations")
        elif directive := next((each for each in _DIRECTIVES if each in text), None):
            strange.append(f"patches with {directive}")
    return strange


def _built(folder: Path, strange: list[str]) -> list[Manifest]:
    """What `kubectl` or `kustomize` gives."""
    import yaml

    program = shutil.which("kubectl") or shutil.which("kustomize")
    if program is None:
        raise ManifestError(
            f"{_kustomization_of(folder)} uses what `deploy` builds only with kubectl: {', '.join(strange)}.",
            (f"built without it: {', '.join(sorted(_READ_KEYS))}",),
            "Install kubectl or kustomize, and put it on the PATH.",
        )
    verb = "kustomize" if Path(program).name == "kubectl" else "build"
    built = run_command([program, verb, str(folder)]).stdout
    return [document for document in yaml.safe_load_all(built) if document]


def _inside(place: Path, root: Path, path: Path) -> Path:
    """Return a path that a kustomization lists, if it is there and in the project."""
    if not place.exists():
        fix = "Remove it from the list, or restore the file."
        raise ManifestError(f"{path} lists {place.name}, which is not there.", (f"looked for: {place}",), fix)
    if not place.resolve().is_relative_to(root.resolve()):
        raise ManifestError(f"{path} lists {place}, which is not in the project.")
    return Path(os.path.normpath(place))


def _require_unique(manifests: Iterable[Manifest], path: Path) -> None:
    """Check that no object is listed twice, of which one would replace the other.

    Raises:
        ManifestError: One is.
    """
    names = [
        (api_group(each), each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
        for each in manifests
    ]
    for name in names:
        if names.count(name) > 1:
            raise ManifestError(
                f"{path} has {name[1]}/{name[3]} twice.", (), "Remove one of them from `resources`."
            )


def _patches(patch: Mapping[str, Any], folder: Path, root: Path) -> Iterator[Manifest]:
    """The patches of one entry: those of a file, or the text itself."""
    path = _kustomization_of(folder)
    if "path" in patch:
        yield from _documents(_inside(folder / patch["path"], root, path))
    else:
        yield from _objects(str(patch.get("patch", "")), path)


def _with_patch(manifests: list[Manifest], patch: Manifest, path: Path) -> list[Manifest]:
    if not any(_is_of(each, patch) for each in manifests):
        name = f"{patch['kind']}/{patch['metadata']['name']}"
        raise ManifestError(f"{path} has a patch for {name}, which is not among its resources.")
    changed = (patched(each, patch) if _is_of(each, patch) else each for each in manifests)
    return [manifest for manifest in changed if manifest is not None]


def _is_of(manifest: Manifest, patch: Manifest) -> bool:
    """Whether the patch is for this object: Knative's `Service` is another kind than that of Kubernetes."""
    is_same = manifest["kind"] == patch["kind"] and manifest["metadata"]["name"] == patch["metadata"]["name"]
    return is_same and api_group(manifest) == api_group(patch)


def api_group(manifest: Manifest) -> str:
    """Return the group of the API that an object is of; empty for `v1`, the core of Kubernetes."""
    return str(manifest.get("apiVersion", "")).rpartition("/")[0]


def _read_kustomization(path: Path) -> dict[str, Any]:
    """Return the fields of a kustomization; `apiVersion` and `kind` may be left out."""
    document: Any = next(_parsed(_text_of(path), path), {})
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is no kustomization.", (), "Write into it: resources: [FILE]")
    return document


def _documents(path: Path) -> Iterator[Manifest]:
    yield from _objects(_text_of(path), path)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is no YAML.", (str(error),)) from error


def _objects(text: str, path: Path) -> Iterator[Manifest]:
    documents = _parsed(text, path)
    for document in (each for whole in documents for each in _items(whole)):
        is_object = isinstance(document, dict) and {"apiVersion", "kind"} <= set(document)
        if not is_object or not _name_of(document):
            fix = "Each document needs apiVersion, kind and metadata.name."
            raise ManifestError(f"{path} holds something other than objects of Kubernetes.", (), fix)
        yield document


def _items(document: Any) -> list[Any]:
    """Return the objects in a list, such as `kubectl get -o yaml` writes; else the document itself."""
    is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
    items = document.get("items") if is_list else None
    return items if isinstance(items, list) else [document]


def _parsed(text: str, path: Path) -> Iterator[Any]:
    """Yield the documents of a text that are not empty."""
    import yaml

    try:
        documents = [document for document in yaml_documents(text) if document]
    except yaml.YAMLError as error:
        raise ManifestError(f"{path} is no YAML.", (str(error),)) from error
    yield from documents


def _name_of(document: Manifest) -> Any:
    metadata = document.get("metadata")
    return metadata.get("name") if isinstance(metadata, dict) else None


def _set_image(manifest: Manifest, image: Manifest) -> None:
    """Set the image of each container of that name, in whatever kind of object.

    Source: api/filters/imagetag of kustomize
    """
    for container in containers_in(manifest):
        name, _, digest = str(container.get("image", "")).partition("@")
        if repository_of(name) != image["name"]:
            continue
        tag = name[len(image["name"]) :].removeprefix(":")
        if image.get("newTag") or image.get("digest"):
            tag, digest = str(image.get("newTag") or ""), str(image.get("digest") or "")
        suffix = (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
        container["image"] = f"{image.get('newName') or image['name']}{suffix}"


def containers_in(value: Any) -> Iterator[Manifest]:
    """Yield the containers in an object, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from containers_in(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("containers", "initContainers") and isinstance(item, list):
                yield from (container for container in item if isinstance(container, dict))
            yield from containers_in(item)
