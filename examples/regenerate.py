"""Write `examples/*/service` anew: `make examples`, after a change to a template or to what is generated."""

import dataclasses
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import scaffold
from scaffold.base.files import sha256_file
from scaffold.base.layout import OPENAPI, PRISTINE
from scaffold.render import render_project
from scaffold.spec import ProjectRecord
from scaffold.upgrade import write_record

HERE = Path(__file__).parent


def main() -> None:
    for train in sorted(HERE.glob("*/train.py")):
        folder = train.parent
        subprocess.run([sys.executable, str(train)], check=True)
        (sample,) = folder.glob("sample_input.*")
        with tempfile.TemporaryDirectory() as place:
            proven = scaffold.new(
                folder / "model.pkl",
                sample,
                folder / "sample_output.pkl",
                Path(place) / "service",
                name=f"{folder.name}-service",
            )
            shutil.rmtree(folder / "service", ignore_errors=True)
            write_without_measurements(proven.record, proven.root / OPENAPI, folder / "service")
        print(folder / "service")


def write_without_measurements(record: ProjectRecord, openapi: Path, target: Path) -> None:
    """Write a project as it is on every machine, so that its diff shows what a change to the generator did.

    Placeholders stand for what the proof measured, and the date of the model file and the results of the
    proof are left out. So is the archive of the pristine files, which are those of the folder itself.

    Args:
        record: What the project was made from.
        openapi: The `openapi.json` of the proven project.
        target: The folder to write; it does not exist yet.
    """
    artifact = dataclasses.replace(record.spec.artifact, written="")
    spec = dataclasses.replace(record.spec, artifact=artifact)
    files = dict(render_project(spec, target).files)
    shutil.copy(openapi, target / OPENAPI)
    files[OPENAPI] = sha256_file(target / OPENAPI)
    write_record(target, dataclasses.replace(record, spec=spec, files=files, verification=None))
    (target / PRISTINE).unlink()


if __name__ == "__main__":
    main()
