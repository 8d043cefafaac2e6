"""What scores files and tables with the code of the service: `batch/`, by answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scaffold.base.layout import APP, BATCH, BATCH_TEST, CONVERT, MODEL_FOLDER, SCHEMAS, SCORE
from scaffold.base.templates import template_path
from scaffold.render import _code
from scaffold.render._choices import BATCH_MANIFESTS, read_batch, read_batch_manifests
from scaffold.render._fast_signature import fast_columns, fast_signature
from scaffold.render._score import run_function
from scaffold.render._source import render_columns
from scaffold.render._tree import jinja_environment
from scaffold.spec import Profile, ProjectSpec

_SUFFIX = ".jinja"
_NAMES = {"ray": "Ray", "spark": "Spark", "dask": "Dask"}
_CPU = "project/app/serving/cpu.py"
_GENERATED = '"""The code that columns.py has the rules of, with its sha256; empty without columns.py."""'


def batch_values(spec: ProjectSpec) -> dict[str, object]:
    """Return the values of `templates/service/batch/` and of the lines about it.

    Raises:
        InvalidAnswerError: An engine or a manifest that the template does not have.
    """
    engines = read_batch(spec.answers)
    others = [_NAMES[name] for name in engines if name in _NAMES]
    return {
        "batch": bool(engines),
        "batch_shipped": _shipped(spec),
        "batch_engines": f", on this machine or on {_listed(others)}" if others else "",
    }


def batch_files(
    spec: ProjectSpec, values: Mapping[str, object], source: Mapping[str, str]
) -> dict[str, bytes]:
    """Return the files of `batch/` and their test by path; none without the answer.

    Args:
        spec: The project.
        values: The values of the template.
        source: The modules that depend on the model, by path.
    """
    engines = read_batch(spec.answers)
    if not engines:
        return {}
    files = {path.name: path.read_bytes() for path in _files("package")}
    files["cpu.py"] = (template_path("service") / _CPU).read_bytes()
    if spec.profile is Profile.PLAIN:
        files |= {path.name: path.read_bytes() for path in _files("plain")}
    files |= {f"on_{name}.py": (_folder("engines") / f"on_{name}.py").read_bytes() for name in engines[1:]}
    if len(engines) > 1:
        files["engine.py"] = _rendered("engines", "engine.py", values)
    manifests = read_batch_manifests(spec.answers)
    images = {name for each in manifests for name in BATCH_MANIFESTS[each].image}
    for name in (*sorted(images), *(f"{each}.yaml" for each in manifests)):
        files[f"deploy/{name}"] = _rendered("deploy", name, values)
    columns = _columns(spec)
    if columns is not None:
        files["columns.py"] = columns.encode()
    files["generated.py"] = _generated(values, source if columns is not None else {}).encode()
    test = (template_path("service") / "test_batch.py").read_bytes()
    return {f"{BATCH}/{name}": content for name, content in files.items()} | {BATCH_TEST: test}


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _rendered(folder: str, name: str, values: Mapping[str, object]) -> bytes:
    """Return a file, with the values if it is a template."""
    path = _folder(folder) / name
    if path.is_file():
        return path.read_bytes()
    return jinja_environment(path.parent).get_template(f"{name}{_SUFFIX}").render(values).encode()


def _shipped(spec: ProjectSpec) -> str:
    """Return the line of `engine.py` that names what the workers get, with the modules of the model."""
    modules = sorted({source.path.partition("/")[0] for source in spec.dependencies.sources} - {APP})
    names = _code.sequence(_code.text(name) for name in (APP, BATCH, MODEL_FOLDER, *modules))
    comment = "# Files and folders that the workers get: add those of your own modules."
    return f"{comment}\n{_code.statement('SHIPPED = ', names)}"


def _columns(spec: ProjectSpec) -> str | None:
    """Return `columns.py`; None where rows are converted one by one."""
    if spec.fast is None:
        return render_columns(spec.signature)
    signature = fast_signature(spec.signature, spec.fast)
    return render_columns(signature, in_dict=bool(fast_columns(spec.fast)))


def _folder(name: str) -> Path:
    return template_path("service") / "batch" / name


def _files(folder: str) -> Iterator[Path]:
    yield from sorted(path for path in _folder(folder).iterdir() if path.is_file())


def _generated(values: Mapping[str, object], source: Mapping[str, str]) -> str:
    """Return `generated.py`: the hashes of the code that `columns.py` repeats for whole columns."""
    texts = {path: source[path] for path in (SCHEMAS, CONVERT) if source}
    if texts:
        texts[f"{SCORE}: run"] = run_function(values)
    hashes = [
        (_code.text(name), _code.text(hashlib.sha256(text.encode()).hexdigest()))
        for name, text in texts.items()
    ]
    table = _code.statement("GENERATED: dict[str, str] = ", _code.mapping(hashes))
    return f"{_GENERATED}\n\n{table}\n"
