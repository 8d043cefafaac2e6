"""`python -m batch score IN OUT`: score a file, a folder or a table of a database."""

import argparse
import os
import sys

from batch.cpu import VARIABLES, available_cpus

FILES = "-r requirements.txt -r batch/requirements.txt --overrides requirements.txt"


def main() -> int:
    """Run a command; return the exit status."""
    arguments = _parser().parse_args()
    for name in VARIABLES:  # each process has a core: before numeric libraries are imported
        os.environ[f"{name}_NUM_THREADS"] = "1"
    os.environ.setdefault("ARROW_NUM_THREADS", "1")
    try:
        from batch.files import BatchError
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed:\n  uv pip install {FILES}", file=sys.stderr)
        return 1
    try:
        return _check() if arguments.command == "check" else _score(arguments)
    except BatchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m batch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    score = commands.add_parser("score", help="score IN, and write the answers to the folder OUT")
    score.add_argument(
        "source", metavar="IN", help="a file, a folder, a URL, or postgresql://host/db#table"
    )
    score.add_argument(
        "out", metavar="OUT", help="a folder, or a table; a run that was ended goes on in it"
    )
    score.add_argument(
        "--on",
        default="local",
        help="local, ray, ray://head:10001, spark, spark://master:7077, dask or dask://host:8786",
    )
    score.add_argument("--format", default="parquet", choices=["parquet", "csv", "json", "arrow"])
    score.add_argument("--keep", default="", help="columns that go to the output, with commas")
    score.add_argument("--workers", type=_positive, default=max(1, int(available_cpus())))
    score.add_argument("--part-rows", type=_positive, default=200_000, help="rows of a part, about")
    score.add_argument(
        "--share", type=_share, default=(0, 1), help="0/8: every eighth part, from part 0"
    )
    score.add_argument(
        "--max-rejected",
        type=_limit,
        default=0.0,
        help="rows, or a percentage such as 1%%, above which the exit status is 3; 0 by default",
    )
    commands.add_parser("check", help="score the recorded sample, and compare it with its answers")
    return parser


def _score(arguments: argparse.Namespace) -> int:
    from batch.edits import why_by_rows
    from batch.run import Options, run, run_on_engine

    if why := why_by_rows():
        print(f"Scoring row by row: {why}.", file=sys.stderr)
    keep = tuple(name.strip() for name in arguments.keep.split(",") if name.strip())
    options = Options(
        source=arguments.source,
        out=arguments.out,
        format=arguments.format,
        keep=keep,
        workers=arguments.workers,
        part_rows=arguments.part_rows,
        share=arguments.share,
    )
    is_local = arguments.on == "local"
    summary = run(options) if is_local else run_on_engine(options, arguments.on)
    print(summary)
    if summary.rejected and is_local:
        print(f"The rejected rows and their reasons: {_rejected(arguments.out)}")
    most = arguments.max_rejected
    if isinstance(most, float):
        most *= summary.scored + summary.rejected
    return 3 if summary.rejected > most else 0


def _rejected(out: str) -> str:
    from batch.database import is_table

    if is_table(out):
        return f"the table {out.rpartition('#')[2]}_rejected"
    return f"{out.rstrip('/')}/rejected"


def _check() -> int:
    from batch.check import check

    print(check())
    return 0


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _share(text: str) -> tuple[int, int]:
    number, _, shares = text.partition("/")
    if not number.isdigit() or not shares.isdigit() or int(number) >= int(shares):
        raise argparse.ArgumentTypeError(f"{text!r} is no share, such as 0/8 to 7/8")
    return int(number), int(shares)


def _limit(text: str) -> float:
    """A count is an int, a percentage a share of all rows."""
    if text.isdigit():
        return int(text)
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows and no percentage")
    return share


if __name__ == "__main__":
    sys.exit(main())
