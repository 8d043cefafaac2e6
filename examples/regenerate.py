"""Write `examples/*/service` anew: `make examples`, after a change to a template or to what is generated."""

import shutil
import subprocess
import sys
from pathlib import Path

import scaffold

HERE = Path(__file__).parent


def main() -> None:
    for train in sorted(HERE.glob("*/train.py")):
        folder = train.parent
        subprocess.run([sys.executable, str(train)], check=True)
        shutil.rmtree(folder / "service", ignore_errors=True)
        (sample,) = folder.glob("sample_input.*")
        project = scaffold.new(
            folder / "model.pkl",
            sample,
            folder / "sample_output.pkl",
            folder / "service",
            name=f"{folder.name}-service",
        )
        print(project)


if __name__ == "__main__":
    main()
