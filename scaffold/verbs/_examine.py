"""Run in the worker: read the model and its samples, load them, and examine them.

This joins the rooms that need the objects: `read`, `introspect`, and the part of `resolve` that collects
local code. The parent gets values of `spec`. The imports at the top run before the job arrives, while the
parent imports its own modules; `introspect` is not among them, since it imports numpy.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold.base import model as base_model
from scaffold.base import unpickle
from scaffold.base.codec import encode
from scaffold.base.live import LiveSource, use_live_source
from scaffold.base.watch import Watch
from scaffold.errors import (
    DamagedSampleError,
    IntrospectionError,
    LoadFailedError,
    MissingLibraryError,
    MissingVariableError,
    NoFittingCallError,
    NotAModelError,
    ScaffoldError,
    TooDeepError,
    WorkerLimitError,
)
from scaffold.errors.wording import in_one_line
from scaffold.read import (
    holds_data,
    load_error,
    load_model,
    read_artifact,
    read_sample,
    sample_modules,
    version_mismatch,
    version_notes,
)
from scaffold.resolve import collect_sources
from scaffold.spec import Artifact
from scaffold.verbs.options import Options
from scaffold.worker import encode_error
from scaffold.worker.inside import Channel, Witness, refused_error, rehearse, resume_collection

MOST_RECORDED_ROWS = 500
"""The most rows of the sample that are recorded for the proof: the first ones."""


def run(channel: Channel, job: dict[str, Any], witness: Witness) -> None:
    """Carry out the job, and report an error as such."""
    try:
        _Examination(channel, job, witness).run()
    except ScaffoldError as error:
        reported = refused_error(error) or _missing_variable(error, job, witness) or error
        again = None if isinstance(error, DamagedSampleError) else _again(witness)
        channel.send(again or encode_error(reported))
    except MemoryError as error:
        channel.send(encode_error(refused_error(error) or WorkerLimitError("memory")))
    except RecursionError:
        channel.send(encode_error(TooDeepError()))
    except Exception:
        channel.send(_again(witness) or {"fault": traceback.format_exc()})
    except BaseException as error:
        # The error comes from the model, for no user interrupts this process.
        detail = f"it ends the process: {in_one_line(error)}"
        channel.send(encode_error(LoadFailedError(Path(job["model"]).name, detail)))


def _again(witness: Witness) -> dict[str, Any] | None:
    """Return the request to restart with all installed distributions, if the model looked up a hidden one."""
    return {"again": sorted(witness.missed)} if witness.missed else None


class _Examination:
    """The examination of one model, stage by stage."""

    def __init__(self, channel: Channel, job: dict[str, Any], witness: Witness) -> None:
        self._channel, self._job, self._witness = channel, job, witness
        self._options = Options(**job["options"])
        use_live_source(LiveSource.from_json(job["live"]))

    def run(self) -> None:
        witness, channel = self._witness, self._channel
        watch = Watch(self._job["watched"])
        witness.phase = "read"
        files = _read_files(self._job, self._options, witness.folder)
        tops = {name.module.partition(".")[0] for artifact in files.artifacts for name in artifact.globals}
        witness.named |= tops | {source.module for source in files.sources}
        self._forget_local_modules()
        watch.read_opened_paths()  # by us
        channel.send(
            {
                "artifact": encode(files.model),
                "path": str(files.model.path),
                "sources": encode(files.sources),
                "notes": list(files.notes),
                "modules": list(files.modules),
                "enforced": self._job["enforced"],
            }
        )
        witness.hide(channel.receive()["hidden"])
        model, samples = self._load(files, watch)
        resume_collection()
        channel.send({"seen": witness.as_json()})
        unpickle.note_loaded()
        self._introspect(model, files.model, samples, watch)
        channel.send(rehearse(model, channel.receive(), witness, watch))

    def _load(self, files: _Files, watch: Watch) -> tuple[Any, list[Any]]:
        """Return the model, and the samples of its input and output."""
        self._witness.phase = "load"
        model = load_model(files.model)
        self._witness.note_unaudited(watch.read_opened_paths())
        self._witness.phase = "read"
        judged = {"trusted": self._options.trust, "confined": self._job["confined"]}
        samples = [
            read_sample(path, ours=self._job[name]["ours"], scanned=files.scanned.get(path), **judged)
            if path
            else None
            for name, path in (("input", files.input), ("output", files.output))
        ]
        return model, samples

    def _introspect(self, model: Any, artifact: Artifact, samples: Sequence[Any], watch: Watch) -> None:
        from scaffold.introspect import infer_signature, require_unicode
        from scaffold.verbs._baseline import examined_baseline

        watch.read_opened_paths()
        self._witness.phase = "introspect"
        try:
            inferred = infer_signature(
                model, *samples, method=self._options.method, overrides=self._options.overrides
            )
        except NoFittingCallError as error:
            raise _other_version(error, artifact) or error from error
        self._witness.note_unaudited(watch.read_opened_paths())
        self._witness.phase = "wait"
        rows, first = inferred.recording, slice(MOST_RECORDED_ROWS)
        recording = replace(rows, requests=rows.requests[first], answers=rows.answers[first])
        require_unicode(recording)
        baseline, notes = examined_baseline(inferred, model, self._job)
        self._channel.send(
            {
                "signature": encode(inferred.signature),
                "recording": encode(recording),
                "baseline": encode(baseline),
                "notes": [*notes, *_variable_notes(self._job, self._witness)],
            }
        )

    def _forget_local_modules(self) -> None:
        """Unload local code, so that the import during the load shows which files it opens."""
        for name, (origin, _) in self._witness.own.items():
            if name.partition(".")[0] != "scaffold" and not origin.startswith(sys.base_prefix):
                sys.modules.pop(name, None)
        importlib.invalidate_caches()


def _other_version(error: NoFittingCallError, artifact: Artifact) -> ScaffoldError | None:
    """Return the error that names both versions, if the file was written with another version."""
    raised = [cause for _, cause in error.attempts if cause.partition(":")[0].endswith("Error")]
    if len(raised) < len(error.attempts) or not raised:
        return None
    return version_mismatch(artifact.path.name, artifact.made_with, raised[0])


def _missing_variable(
    error: ScaffoldError, job: Mapping[str, Any], witness: Witness
) -> MissingVariableError | None:
    """Return the error for a model that failed after it read variables that are not set.

    The message names it; or the caller's environment has it, and the user's own code reads it, or a library
    that could not be loaded.
    """
    if not isinstance(error, IntrospectionError | LoadFailedError | MissingLibraryError):
        return None
    loading = not isinstance(error, IntrospectionError)
    text = str(error)
    absent = {name: own for name, (present, own) in witness.variables.items() if not present}
    # A copy of all variables is not a lookup of each.
    absent |= {name: True for name in job["elsewhere"] if f"KeyError: '{name}'" in text}
    names = [
        name
        for name, own in absent.items()
        if f"'{name}'" in text or (name in job["elsewhere"] and (own or loading))
    ]
    if not names:
        return None
    attempts = error.attempts if isinstance(error, NoFittingCallError) else ()
    return MissingVariableError(names, attempts[0][1] if attempts else text.splitlines()[0])


def _variable_notes(job: Mapping[str, Any], witness: Witness) -> list[str]:
    notes = [
        f"the model reads the variable {name}, set here and not in the service: --env {name} gives it"
        for name, (present, _) in witness.variables.items()
        if not present and name in job["elsewhere"]
    ]
    readers = sorted(witness.copiers)
    if readers:
        notes.append(
            f"{', '.join(readers[:3])} reads the whole environment; in the service it has only the variables"
            " that --env NAME or --secret NAME gives"
        )
    return notes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The files to load, and the local code that they need."""

    model: Artifact
    input: Path | None
    output: Path | None
    artifacts: tuple[Artifact, ...]
    """The model, and the samples that are pickles."""
    scanned: Mapping[Path, Artifact]
    """The samples that are pickles, by their file; one that was written anew is not scanned yet."""
    sources: Sequence[Any]
    notes: Sequence[str]
    modules: Sequence[str]
    """The top-level modules that the samples need, that of the input's class first."""


def _read_files(job: Mapping[str, Any], options: Options, folder: str) -> _Files:
    """Read the files without running what they name, and collect the local code that they need.

    Code that a script or notebook defines is lifted into a module below `folder`, and the files are written
    anew to name that module: model and sample are then of the same classes.
    """
    model = Path(job["model"])
    judged = {"trusted": options.trust, "confined": job["confined"]}
    origin = {"provenance": job["provenance"], "ours": job["ours"]}
    artifact = read_artifact(model, **judged, **origin)
    samples = {name: job[name] for name in ("input", "output") if job[name] is not None}
    paths = {name: Path(sample["path"]) for name, sample in samples.items()}
    pickled = {name: _read_pickle(paths[name], ours=samples[name]["ours"], **judged) for name in paths}
    modules = [module for name, path in paths.items() for module in sample_modules(path, pickled[name])]
    scanned = [each for each in pickled.values() if each is not None]
    artifacts = [artifact, *scanned]
    place = Path(folder) / "code"
    place.mkdir()
    with _load_errors(artifacts):
        collected = collect_sources(
            artifacts,
            folder=place,
            search=[place, *map(Path, job["search"])],
            source=Path(options.source) if options.source else None,
            include=[Path(each) for each in options.include],
        )
    if collected.moved:
        moved = collected.moved.get(model, model)
        artifact = read_artifact(moved, **judged, **origin)
        paths = {name: collected.moved.get(path, path) for name, path in paths.items()}
    return _Files(
        model=artifact,
        input=paths.get("input"),
        output=paths.get("output"),
        artifacts=tuple(artifacts),
        scanned={each.path: each for each in scanned},
        sources=collected.sources,
        notes=(*collected.notes, *version_notes(model.name, artifact.made_with)),
        modules=tuple(dict.fromkeys(modules)),
    )


@contextlib.contextmanager
def _load_errors(artifacts: Sequence[Artifact]) -> Iterator[None]:
    """Raise `ReadError` if loading one of `artifacts` raises any other error."""
    try:
        yield
    except (ScaffoldError, MemoryError, RecursionError):
        raise
    except Exception as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        loaded = {frame.f_locals["path"] for frame in frames if frame.f_code is base_model.load.__code__}
        for artifact in artifacts:
            if artifact.path in loaded:
                raise load_error(artifact.path, error, artifact.made_with) from error
        raise


def _read_pickle(path: Path, **judged: Any) -> Artifact | None:
    """Return the scan of a pickled sample; None for a format that contains data only."""
    if holds_data(path):
        return None
    try:
        return read_artifact(path, sample=True, **judged)
    except NotAModelError:
        return None
