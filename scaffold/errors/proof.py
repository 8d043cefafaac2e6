"""The service does not give the model's answers, or does not run."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scaffold.errors.branches import VerificationError
from scaffold.errors.wording import about_local_time, invocation, option
from scaffold.spec import SCORE_PROTOCOL


class EnvironmentFailedError(VerificationError):
    """The lock cannot be installed."""

    tail: str

    def __str__(self) -> str:
        return f"The clean environment for the proof cannot be made:\n{self.tail}"


class RecordingError(VerificationError):
    """The recorded sample of a project cannot be used."""


class MissingRecordingError(RecordingError):
    """The recorded sample of a project cannot be read."""

    path: str
    cause: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be read: {self.cause}.\n"
            "It holds the sample to compare with;"
            " `scaffold update` writes it anew from a model and a sample."
        )


class InvalidRecordingError(RecordingError):
    """The recorded sample of a project has another form than `new` writes."""

    path: str
    cause: str

    def __str__(self) -> str:
        return f'{self.path} is not {{"requests": [...], "answers": [...]}}: {self.cause}'


class RecordingLengthError(RecordingError):
    """A recorded sample is empty, or does not hold an answer for each request."""

    path: str
    requests: int
    answers: int

    def __str__(self) -> str:
        return (
            f"{self.path} holds {self.requests} requests and {self.answers} answers; "
            "they must be as many, and at least one."
        )


class SampleRefusedError(VerificationError):
    """The service refuses a request of the sample, or does not answer it with JSON.

    Args:
        what: Which request: `row 3`.
        status: The status of the answer.
        body: What it was answered with; text where that is no JSON.
        endpoint: The path that was asked.
    """

    what: str
    status: int
    body: object
    endpoint: str = SCORE_PROTOCOL.single.path

    def __str__(self) -> str:
        how = "with something other than JSON" if self.status == 200 else f"with {self.status}"
        head = f"The service refuses the sample: {self.what} is answered {how}."
        return f"{head}\n  {json.dumps(self.body)[:500]}\n{self._advice}".rstrip()

    @property
    def _advice(self) -> str:
        match self.status:
            case 401 | 403:
                return "Let the proof send the header that it needs:  --header 'Authorization: Bearer ...'"
            case 404:
                return f"The proof asks {self.endpoint}, or the one path of the API page that ends so."
            case 422 if '"out_of_range"' in json.dumps(self.body):
                guard = option("answers", {"guard": "warn"})
                return f"The baseline has not seen it: make it from more data or let the guard warn: {guard}"
            case 422:
                return (
                    "If you changed what it takes, write requests that it takes into tests/recorded.json,\n"
                    "with null for each answer. `scaffold verify --accept` records the answers."
                )
            case _:
                return ""


class BatchLengthError(VerificationError):
    """The service does not give one answer for each row of a batch.

    Args:
        order: That of the rows: `in reverse order`.
        rows: How many were sent.
        answers: How many came back.
    """

    order: str
    rows: int
    answers: int

    def __str__(self) -> str:
        return f"A batch {self.order} holds {self.rows} rows and gets {self.answers} answers."


class ExampleRefusedError(VerificationError):
    """The service does not answer the request that its README shows."""

    status: int
    request: str
    body: object

    def __str__(self) -> str:
        return (
            f"The service answers {self.status}, not 200, to the request that its README shows:\n"
            f"  {self.request}\n"
            f"  {json.dumps(self.body)[:500]}"
        )


class UnfitAcceptedError(VerificationError):
    """The service does not refuse a body that does not fit."""

    status: int
    body: str

    def __str__(self) -> str:
        return f"The service answers {self.status}, not 422, to a body that does not fit: {self.body}."


class ServiceFailedError(VerificationError):
    """The service does not start, or closes a connection."""


class ServiceNotStartedError(ServiceFailedError):
    """The service does not start.

    Args:
        status: Its exit status; `None` where it runs and did not get ready in time.
        log: The end of its log.
    """

    status: int | None
    log: str = ""

    def __str__(self) -> str:
        head = (
            "The service did not get ready in time."
            if self.status is None
            else f"The service does not start (exit status {self.status})."
        )
        return f"{head} The end of its log:\n{self.log}" if self.log else head


class NoReadinessError(ServiceFailedError):
    """The service runs, and refuses the request that asks whether it is ready.

    Args:
        path: The path that was asked: `/readyz`.
        status: The status of the answer.
        log: The end of its log.
    """

    path: str
    status: str = "404"
    log: str = ""

    def __str__(self) -> str:
        if self.status == "404":
            advice = (
                "Keep that route; below a prefix it is found where the package has the prefix as a string."
            )
        elif self.status in ("401", "403"):
            advice = "Leave that route open, or send what it requires: --header 'Authorization: Bearer ...'"
        else:
            advice = (
                "Let plain HTTP requests to 127.0.0.1 reach that route: a redirect to HTTPS, or a list of"
                " allowed hosts, refuses them."
            )
        problem = f"The service answers {self.status} to GET {self.path}, so nothing says when it is ready."
        head = f"{problem}\n{advice}"
        return f"{head} The end of the log:\n{self.log}" if self.log else head


class ServiceBrokeOffError(ServiceFailedError):
    """The service closes the connection at a request: `POST http://127.0.0.1:8000/score`."""

    request: str
    cause: str

    def __str__(self) -> str:
        return f"The service broke off at {self.request}: {self.cause}"


class AnswersDifferError(VerificationError):
    """The service answers differently than the model.

    Args:
        what: Which request: `row 3`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and the one wanted, as JSON.
        versions: (distribution, version in the service, version here) of what the model needs, where these
            differ; `None` where they were not compared.
        endpoint: The path that was asked.
    """

    what: str
    path: str
    values: tuple[str, str]
    versions: Sequence[tuple[str, str, str]] | None = None
    endpoint: str = SCORE_PROTOCOL.single.path

    def __str__(self) -> str:
        actual, expected = self.values
        lines = [
            "The service answers, but not with the sample's predictions.",
            (
                f"  {self.what}, {self.path.lstrip('.') or 'the answer'}: "
                f"{actual} from the service, {expected} in the sample's output"
            ),
        ]
        lines += [
            f"  {name}: {in_service} in the service, {in_environment} in the environment of the sample"
            for name, in_service, in_environment in self.versions or ()
        ]
        if self.versions:
            name, _, in_environment = self.versions[0]
            command = invocation("new", ..., pin=[f"{name}=={in_environment}"])
            lines.append(f"Pin what the model was made with: {command}")
        elif self.versions is not None:
            lines.append(
                "What the model needs has the same versions in both. Does the model depend on the time, on "
                "other requests, on environment variables, on files outside the project, or on the order of "
                "a set or `hash` of a string, which differ from process to process?"
            )
            lines += about_local_time()
        return "\n".join(lines)


class RowsDependError(VerificationError):
    """The service answers a row beside other rows differently than alone.

    Args:
        row: Its place in the recorded sample, from 0.
        when: What else was asked: `in a batch in reverse order`.
        path: Where in the answer: `.prediction`.
        values: The value from the service and that of the row alone, as JSON.
    """

    row: int
    when: str
    path: str
    values: tuple[str, str]

    def __str__(self) -> str:
        got, alone = self.values
        return (
            f"The answer to row {self.row} depends on which rows are asked with it.\n"
            f"  {self.when}, {self.path.lstrip('.') or 'the answer'}: {got}; alone: {alone}\n"
            "Callers would get each other's answers. In a project of yours, score each record in a call of\n"
            "its own, in app/score.py:\n"
            "  BATCHED = False"
        )


class AnswerChangedError(VerificationError):
    """The service gives a row another answer than it gave before.

    Args:
        row: Its place in the recorded sample, from 0.
        path: Where in the answer: `.prediction`.
        values: The value now and the one before, as JSON.
    """

    row: int
    path: str
    values: tuple[str, str]

    def __str__(self) -> str:
        now, before = self.values
        return (
            f"The service changed as it answered: row {self.row} was asked again.\n"
            f"  {self.path.lstrip('.') or 'the answer'}: {now}; before: {before}\n"
            "An answer may not depend on what was asked before it: keep no state between calls."
        )
