"""`python -m tests.libraries [--only a,b] [--proof]` prints the table of the model libraries."""

import argparse
import sys

from tests.libraries.environments import NAMES, write_locks
from tests.libraries.page import table, write_document
from tests.libraries.running import WORK, run_library


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.libraries", description=__doc__)
    parser.add_argument("--only", help="folders of tests/libraries/models: a,b")
    parser.add_argument("--proof", action="store_true", help="also prove, start and ask each service")
    parser.add_argument("--write", action="store_true", help="write docs/libraries.md")
    parser.add_argument("--lock", action="store_true", help="only write tests/libraries/environments anew")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs the results of all models; leave out --only")
    if options.lock:
        write_locks()
        return 0
    results = []
    for name in options.only.split(",") if options.only else NAMES:
        result = run_library(name, WORK, proof=options.proof)
        results.append(result)
        print(name, f"{result.new_s:.1f} s" if not result.failure else result.failure, flush=True)
    print(table(results))
    if options.write:
        write_document(results)
    return int(any(result.failure for result in results))


if __name__ == "__main__":
    sys.exit(main())
