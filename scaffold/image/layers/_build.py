"""The layers builder: assemble an image from files, without an engine and without running it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from scaffold.base.layout import LOCK
from scaffold.base.lockfile import read_lock
from scaffold.base.process import Runner
from scaffold.errors import DockerfileError, MissingLockError
from scaffold.events import Advanced, Noted, OnEvent
from scaffold.image._dependencies import (
    Package,
    PackageIndex,
    environment_entries,
    install_packages,
    installed_packages,
)
from scaffold.image._oci import Part, PlatformImage, make_image
from scaffold.image._store import Store
from scaffold.image._tar import GZIP_LAYER, Blob, Entry, write_layer
from scaffold.image.debian._base import read_debian
from scaffold.image.debian._download import Archives
from scaffold.image.debian._entries import debian_entries
from scaffold.image.dockerfile._context import copied_entries, is_model, read_dockerfile
from scaffold.image.dockerfile._plan import ImagePlan, read_plan
from scaffold.image.dockerfile._stages import read_base
from scaffold.image.layers._base import Base, fetch_base, fetch_layer, layer_members
from scaffold.image.registry._reference import Reference, parse_reference
from scaffold.image.registry._repository import Repository

_LAYOUT = 1  # the layout version of dependency layers; a new version rebuilds all


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """The images of a build, one for each platform, and their packages."""

    images: tuple[PlatformImage, ...]
    packages: tuple[Package, ...]
    base: Reference
    source: Repository

    def complete(self, store: Store, on_event: OnEvent) -> tuple[PlatformImage, ...]:
        """Return the images with all layer files, those of the base too."""

        def with_file(part: Part) -> Part:
            if part.part != "base":
                return part
            return replace(
                part, blob=replace(part.blob, path=fetch_layer(self.source, part.blob, store, on_event))
            )

        return tuple(replace(image, parts=tuple(map(with_file, image.parts))) for image in self.images)


class LayerBuilder:
    """Builds the images of one project, with `store` as its cache."""

    def __init__(
        self,
        root: Path,
        *,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        index: PackageIndex,
        store: Store,
        work: Path,
        run: Runner,
        on_event: OnEvent,
    ) -> None:
        self._root, self._arguments, self._labels, self._index = root, arguments, labels, index
        self._store, self._work, self._run, self._on_event = store, work, run, on_event
        self._text = read_dockerfile(root)
        self._ours: dict[str, Part] = {}
        self.base = parse_reference(read_base(self._text, arguments))

    def build(self, source: Repository, platforms: Sequence[str]) -> Layered:
        """Return the images; the base is taken from `source`.

        Raises:
            DockerfileError: The Dockerfile has a line that this builder does not support.
            PackagesError: A dependency is not available for a platform.
        """
        images: list[PlatformImage] = []
        packages: tuple[Package, ...] = ()
        for platform in platforms:
            base = fetch_base(source, self.base, platform, self._store, self._on_event)
            plan = read_plan(self._text, self._arguments, base.image.get("config") or {}, platform)
            if plan.errors:
                raise plan.errors[0]
            parts = [Part(blob=layer, part="base") for layer in base.layers]
            system, debian = self._system(plan, base, source, platform) if plan.debian_packages else ([], ())
            dependencies, python = self._dependencies(plan, base, platform)
            packages = (*python, *debian)
            parts += [*system, dependencies, *self._project_parts(plan)]
            annotations = {
                "org.opencontainers.image.base.name": str(self.base),
                "org.opencontainers.image.base.digest": base.reference.digest,
            }
            config = plan.config | {"Labels": {**plan.labels, **self._labels}}
            images.append(make_image(platform, base.image, config, parts, annotations))
        return Layered(images=tuple(images), packages=packages, base=self.base, source=source)

    def _dependencies(self, plan: ImagePlan, base: Base, platform: str) -> tuple[Part, tuple[Package, ...]]:
        """Return the lock as a layer; cached by lock, platform and Python."""
        copies = [copy for copy in plan.copies if copy.stage is not None]
        if len(copies) != 1 or len(copies[0].sources) != 1:
            line = copies[-1].line if copies else 1
            raise DockerfileError(line, "COPY --from", "stage")
        copy = copies[0]
        lock = self._root / LOCK
        if not lock.is_file():
            raise MissingLockError(str(lock))
        lock_sha256 = hashlib.sha256(read_lock(self._root).text.encode()).hexdigest()
        key = f"dependencies {_LAYOUT} {lock_sha256} {platform} {copy.target} {base.interpreter}"
        history = f"COPY --from={copy.stage} {copy.sources[0]} {copy.target}"
        lock_of = partial(self._install, lock, copy.target.strip("/"), base, platform)
        return self._cached_layer(key, history, lock_of)

    def _system(
        self, plan: ImagePlan, base: Base, source: Repository, platform: str
    ) -> tuple[list[Part], tuple[Package, ...]]:
        """Return the Debian packages of the Dockerfile as a layer, if the base lacks any."""
        names = sorted(set(plan.debian_packages))
        key = f"system {_LAYOUT} {base.reference.digest} {' '.join(names)}"
        part, packages = self._cached_layer(
            key,
            f"apt-get install {' '.join(names)}",
            partial(self._fetch_debian, names, base, source, platform),
        )
        return [part], packages

    def _cached_layer(
        self, key: str, history: str, make: Callable[[Path], tuple[list[Entry], tuple[Package, ...]]]
    ) -> tuple[Part, tuple[Package, ...]]:
        """Return a layer of dependencies and its packages, from the store if it was built before."""
        cached = self._store.fact(key)
        if cached and (path := self._store.blob(cached["digest"])).exists():
            packages = tuple(Package(**package) for package in cached["packages"])
            blob = Blob(
                digest=cached["digest"],
                diff_id=cached["diff_id"],
                size_bytes=cached["size_bytes"],
                media_type=GZIP_LAYER,
                path=path,
            )
            return Part(blob=blob, part="dependencies", history=history), packages
        with self._store.folder() as folder:
            entries, packages = make(folder)
            written_blob = self._write("dependencies", entries, folder / "layer")
            blob = replace(written_blob, path=self._store.keep(folder / "layer", written_blob.digest))
        fact = {"digest": blob.digest, "diff_id": blob.diff_id, "size_bytes": blob.size_bytes}
        self._store.remember(key, fact | {"packages": [asdict(package) for package in packages]})
        return Part(blob=blob, part="dependencies", history=history), packages

    def _install(
        self, lock: Path, target: str, base: Base, platform: str, folder: Path
    ) -> tuple[list[Entry], tuple[Package, ...]]:
        self._on_event(Advanced(stage="dependencies", detail=f"installing the lock for {platform}"))
        installed = folder / "packages"
        install_packages(
            lock,
            installed,
            platform=platform,
            interpreter=base.interpreter,
            index=self._index,
            run=self._run,
        )
        return list(environment_entries(installed, target, base.interpreter)), installed_packages(installed)

    def _fetch_debian(
        self, names: Sequence[str], base: Base, source: Repository, platform: str, folder: Path
    ) -> tuple[list[Entry], tuple[Package, ...]]:
        self._on_event(Advanced(stage="dependencies", detail=f"fetching {' '.join(names)}"))
        layers = [
            (fetch_layer(source, layer, self._store, self._on_event), layer.media_type)
            for layer in base.layers
        ]
        debian = read_debian(layer_members(layers))
        with contextlib.closing(Archives(debian, self._index.ca_bundle)) as archives:
            entries, packages, notes = debian_entries(
                names,
                debian,
                platform.rpartition("/")[2],
                folder,
                fetch=archives.fetch,
                run=self._run,
            )
        for note in notes:
            self._on_event(Noted(note))
        return entries, packages

    def _project_parts(self, plan: ImagePlan) -> list[Part]:
        """Code and model: the same for all platforms."""
        if not self._ours:
            for part, entries in copied_entries(self._root, plan).items():
                if entries:
                    blob = self._write(part, entries, self._work / part)
                    steps = [
                        f"COPY {' '.join(copy.sources)} {copy.target}"
                        for copy in plan.copies
                        if copy.stage is None and is_model(copy.target) == (part == "model")
                    ]
                    history = "; ".join(steps)
                    self._ours[part] = Part(blob=blob, part=part, history=history)
        return [self._ours[part] for part in ("code", "model") if part in self._ours]

    def _write(self, part: str, entries: Sequence[Entry], path: Path) -> Blob:
        total_bytes = sum(entry.size_bytes for entry in entries)
        done = 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            # The tar's own headers count too, so that the sum may be a little over the files' bytes.
            self._on_event(Advanced(stage=part, done=min(done, total_bytes), total=total_bytes))

        return write_layer(entries, path, on_bytes)
