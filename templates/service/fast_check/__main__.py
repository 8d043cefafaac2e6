"""Compare on 10,000 made-up rows, and print the result as JSON; status 1 for a difference."""

import json
import sys

from tests.fast.compare import compare

found = compare(rows=10_000)
print(json.dumps(found), file=sys.stderr if found["difference"] else sys.stdout)
sys.exit(1 if found["difference"] else 0)
