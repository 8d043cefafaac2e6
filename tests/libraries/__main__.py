"""`python -m tests.libraries [--only a,b] [--proof | --accelerate auto]` prints a table of the libraries."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.libraries.environments import COMPILING, NAMES, write_locks
from tests.libraries.page import compiled_table, table, write_document
from tests.libraries.running import WORK, kept_result, run_library


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.libraries", description=__doc__)
    parser.add_argument("--only", help="folders of tests/libraries/models: a,b")
    parser.add_argument("--proof", action="store_true", help="also prove, start and ask each service")
    parser.add_argument("--accelerate", default="", help="the same with this option of `scaffold new`")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once; more than 1 makes each slower")
    parser.add_argument(
        "--write", action="store_true", help="only write docs/libraries.md from the last runs"
    )
    parser.add_argument("--lock", action="store_true", help="only write tests/libraries/environments anew")
    options = parser.parse_args()
    usual = [name for name in NAMES if name not in COMPILING]
    names = options.only.split(",") if options.only else usual
    if options.lock:
        write_locks()
        return 0
    if options.write:
        write_document([kept_result(name, WORK) for name in usual])
        return 0
    proof = options.proof or bool(options.accelerate)
    run = partial(run_library, work=WORK, proof=proof, accelerate=options.accelerate)
    results = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for result in pool.map(run, names):
            results.append(result)
            print(result.name, result.failure or result.note or "passes", flush=True)
    print(compiled_table(results) if options.accelerate else table(results))
    return int(any(result.failure for result in results))


if __name__ == "__main__":
    sys.exit(main())
