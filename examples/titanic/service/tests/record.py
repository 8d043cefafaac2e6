"""Accept the service as it is now: `python -m tests.record`.

It sends the requests of `tests/recorded.json` and writes the answers there. It also writes
`openapi.json`. Look at the difference before you commit it.
"""

import json
from typing import Any

from tests.service import OPENAPI, RECORDED, Service, running_service


def main() -> None:
    """Write both files."""
    requests = json.loads(RECORDED.read_text(encoding="utf-8"))["requests"]
    with running_service() as service:
        answers = [answer_to(service, request) for request in requests]
        status, description = service.get("/openapi.json")
    write(RECORDED, as_lines(requests, answers))
    if status == 200:  # with DOCS=false there is none
        write(OPENAPI, json.dumps(description, indent=2, ensure_ascii=False) + "\n")


def answer_to(service: Service, request: Any) -> Any:
    """Return the answer to one record."""
    status, answer = service.post("/score", request)
    if status != 200:
        raise SystemExit(f"/score answers {status} to {json.dumps(request)}:\n{answer}")
    return answer


def as_lines(requests: list[Any], answers: list[Any]) -> str:
    """Return the JSON with one row a line, so that a difference shows the rows that changed."""
    return f'{{"requests": [\n{rows(requests)}], "answers": [\n{rows(answers)}]}}\n'


def rows(values: list[Any]) -> str:
    """Return each value in a line of its own."""
    lines = [json.dumps(value, ensure_ascii=False, allow_nan=False) for value in values]
    return ",\n".join(lines) + "\n" if lines else ""


def write(path: Any, text: str) -> None:
    """Write a file, and tell whether it changed."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{path.name}: {'unchanged' if text == before else 'written'}")


if __name__ == "__main__":
    main()
