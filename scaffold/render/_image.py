"""The Dockerfile's values: the base, what is installed with apt, which files are the code."""

from __future__ import annotations

import json
from urllib.parse import quote

from scaffold.base.base_image import base_image
from scaffold.base.layout import APP, MODEL_FOLDER, WHEELS
from scaffold.render._environment import image_environment
from scaffold.render._knobs import read_base_image
from scaffold.spec import LocalSource, Origin, ProjectSpec, SystemPackage

_LABEL_CHARACTERS = "/:@._-+=?&,~"


def image_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the finished strings for `Dockerfile`.

    `spec.answers["base_image"]` replaces the image for the lock's Python.
    """
    dependencies = spec.dependencies
    base = read_base_image(spec.answers)
    return {
        "base_image": base or base_image(dependencies.python),
        "system_packages": _system_packages(dependencies.system),
        "wheel_copy": f"\nCOPY {WHEELS} {WHEELS}" if _has_wheels(dependencies.sources) else "",
        "code_copies": _code_copies([source.path for source in dependencies.sources]),
        "model_sha256": spec.artifact.sha256,
        "origin_labels": _origin_labels(spec.origin),
        "image_environment": image_environment(spec.variables),
    }


def _origin_labels(origin: Origin | None) -> str:
    """The labels of the model's source, of characters that a Dockerfile reads as they are."""
    if origin is None:
        return ""
    values = {
        "source": origin.uri,
        "source-version": origin.version,
        "source-run": origin.run,
        "source-revision": origin.revision,
        "source-sha256": origin.sha256,
    }
    labels = {name: quote(value, safe=_LABEL_CHARACTERS) for name, value in values.items() if value}
    return "".join(f' \\\n    model.{name}="{value}"' for name, value in labels.items())


def _system_packages(packages: tuple[SystemPackage, ...]) -> str:
    """The step that installs Debian packages, each with its reason above; nothing where there are none."""
    if not packages:
        return ""
    packages = tuple(sorted(packages, key=lambda package: package.name))
    reasons = "".join(f"# {package.name}: {' '.join(package.reason.split())}\n" for package in packages)
    names = "".join(f"        {package.name} \\\n" for package in packages)
    return (
        f"{reasons}# hadolint ignore=DL3008\n"
        "RUN apt-get update \\\n"
        "    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \\\n"
        f"{names}"
        "    && rm -rf /var/lib/apt/lists/*\n"
    )


def _has_wheels(sources: tuple[LocalSource, ...]) -> bool:
    """Whether distributions that no index has go along: they are for the stage that installs the lock."""
    return any(source.path.startswith(f"{WHEELS}/") for source in sources)


def _code_copies(sources: list[str]) -> str:
    """One COPY for the app's modules and one for each place beside it that the model's own code lies in."""
    tops = sorted({path.partition("/")[0] for path in sources if "/" in path} - {APP, MODEL_FOLDER, WHEELS})
    files = sorted(path for path in sources if "/" not in path)
    lines = [_copy([APP, APP])]
    if files:
        lines.append(_copy([*files, "./"]))
    lines += [_copy([top, top]) for top in tops]
    return "\n".join(lines)


def _copy(paths: list[str]) -> str:
    """A COPY line; in JSON where a path holds a space."""
    plain = " ".join(paths)
    return f"COPY {plain}" if plain.split() == paths else f"COPY {json.dumps(paths, ensure_ascii=False)}"
