"""The branches of the error tree: one for each stage, with what to do about its errors.

`scaffold explain` and the documentation show these texts.
"""

from __future__ import annotations

from scaffold.errors.base import ScaffoldError


class UsageError(ScaffoldError):
    """A call or a command that cannot be carried out.

    Nothing was started and nothing was written. The message shows the call or the command as it works;
    `scaffold COMMAND --help` lists the options of a command.
    """


class ReadError(ScaffoldError):
    """A file cannot be read as a model or a sample.

    The gate reads a file before anything in it runs (docs/security.md). `--trust NAME` opens a name in a file
    that you or your team made. Refuse such a file from elsewhere, or ask its author for a format that
    carries no code, such as ONNX.

    If a library is missing here, or has another version than the file was made with, `--environment` loads
    the model with the libraries of its training (docs/environments.md).
    """


class WorkerError(ScaffoldError):
    """The process that loads the model failed.

    The model is loaded in a process of its own, with limits of time and memory and confined by the kernel
    (docs/security.md). `--allow-read`, `--allow-network`, `--env`, `--memory-limit` and `--time-limit` allow
    more.

    If a signal ended the process, the file was often made with other versions of its libraries:
    `--environment` loads it with those of its training (docs/environments.md).
    """


class EnvironmentSpecError(ScaffoldError):
    """The value of `--environment` cannot be used.

    The option takes the folder of an environment, a file of requirements, or requirements such as
    `scikit-learn==1.3.2` (docs/environments.md).
    """


class IntrospectionError(ScaffoldError):
    """The sample or the model cannot be described.

    scaffold calls the model on the sample to find the method to serve (docs/models.md), and describes each
    value as a field of JSON (docs/samples.md). `--output` with the expected predictions, or `--method NAME`,
    decides between several methods. For anything else, wrap the model in a class whose `predict` takes what
    callers send and returns what they get.
    """


class ResolutionError(ScaffoldError):
    """The requirements of the model cannot be installed, or not together.

    The service gets what the model was seen to need, in the versions that are installed here
    (docs/dependencies.md). `--pin NAME==VERSION` takes another version, `--require` adds a distribution,
    `--include` ships a file of yours, and `--source` names the script that defines the model's classes.
    """


class RenderError(ScaffoldError):
    """The project cannot be written.

    This concerns service templates of your own (docs/templates.md).
    """


class VerificationError(ScaffoldError):
    """The service does not give the model's answers, or does not run.

    The proof installs the lock into a clean environment, starts the service and replays the sample. `new`
    writes nothing if it fails, and `update` leaves the project as it was. `--no-verify` writes the project
    all the same, so that you can look at it: run `scaffold serve`, then `scaffold verify`.

    If your own edits change the answers on purpose, `scaffold verify DIR --accept` records the new answers
    (docs/updates.md).
    """


class ProjectError(ScaffoldError):
    """A file of a project is not what this package writes there, so it is not used.

    A project may come from somebody else, so its files are checked before they are used (docs/updates.md).
    In a project of your own, restore the file from version control.
    """


class UpgradeError(ScaffoldError):
    """A project cannot be brought up to date.

    An update merges the new project with your edits (docs/updates.md). Unless the message says otherwise, the
    project is as it was before; `scaffold undo DIR` takes back an update that was written.
    """


class ImageError(ScaffoldError):
    """An image cannot be built or pushed.

    Two builders make the image: `docker` needs a Docker Engine, and `layers` needs none (docs/images.md). The
    project was not changed; the same command continues an interrupted upload.
    """


class StoreError(ScaffoldError):
    """The record of models and deployments cannot be read or written.

    `SCAFFOLD_STORE` names the database, and `SCAFFOLD_STORE_FILES` the folder of files (docs/store.md).
    """


class LiveTestsError(ScaffoldError):
    """The tests of a deployed service cannot be run, or ended early.

    `scaffold test` runs the tests in `tests/live/` of the project against a service that runs already, in an
    environment of their own (docs/testing.md). A test that fails is no error: it is in the table, and the
    exit status is 1.
    """


class DriftError(ScaffoldError):
    """The traffic of a service cannot be compared with the baseline of its model.

    `scaffold drift` compares a log, a table or the counters in Prometheus with `model/baseline.json`
    (docs/drift.md). Drift itself is no error: it is in the report, and with `--exit-code` in the exit status.
    """
