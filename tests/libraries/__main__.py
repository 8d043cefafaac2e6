"""`python -m tests.libraries [--only a,b]` prints the table of the model libraries."""

import argparse
import sys

from tests.libraries.running import NAMES, WORK, run_library, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.libraries", description=__doc__)
    parser.add_argument("--only", default=",".join(NAMES), help="folders of tests/libraries/models: a,b")
    results = []
    for name in parser.parse_args().only.split(","):
        result = run_library(name, WORK)
        results.append(result)
        print(name, "answers" if not result.failure else result.failure, flush=True)
    print(table(results))
    return int(any(result.failure for result in results))


if __name__ == "__main__":
    sys.exit(main())
