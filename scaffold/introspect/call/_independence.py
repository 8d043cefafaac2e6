"""Find out whether a row's answer depends on the rows that go into the same call.

The reference is each row alone. Rows of the sample and made-up rows are then batched in other orders and with
other rows; any answer that differs by more than `TOLERANCE` shows a dependence.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence

from scaffold.introspect._compare import difference, plain
from scaffold.introspect._layouts import Layout, count_answers
from scaffold.introspect._missing import missing_places, with_nulls
from scaffold.introspect._rows import take
from scaffold.introspect.call._batch_findings import Dependent, Finding, Independent, Undecided, Unstable
from scaffold.introspect.call._invoke import Predict, Refused
from scaffold.introspect.call._made_up import are_alike, with_made_up
from scaffold.introspect.call._row_answers import RowAnswers, contrast, refusal_of, same_parts
from scaffold.introspect.call._vary_rows import vary_rows

REAL_ROWS = 16
ROWS = 26
"""The number of rows that are predicted alone: at most `REAL_ROWS` of the sample, the rest made up."""
LARGE_BATCH = 256
_SMALL_BATCHES = (3, 4, 7, 8, 9, 11, 13, 16, 17)
"""Sizes of common batches: around powers of two, where code is often split, and some between."""
_BUDGET_S = 8.0
"""A slower model is called with fewer rows, at least `_LEAST_ROWS`, and fewer arrangements; the rows alone,
in reverse order and shuffled are never left out."""
_LEAST_ROWS = 4
_AGAIN = 2
_MANY, _FEW = 30, 3
"""Among `_MANY` copies of one row every other row is an outlier."""
_MOST_REFUSED = 2
_MOST_MISSING = 4
_OTHER_ORDER = "in another order of the calls"
_SEED = 4_801


def examine_rows(
    predict: Predict,
    sample: object,
    rows: int,
    whole: object,
    layout: Layout,
    *,
    fresh: Callable[[], Predict | None],
    nullable: Sequence[str] = (),
) -> Finding | None:
    """Return whether the rows of `sample` may go into one call together.

    Args:
        predict: Calls the model.
        sample: The records, `rows` of them.
        rows: At least 1.
        whole: The answer to the whole sample.
        layout: How answers hold their rows.
        fresh: Returns a function that calls a new copy of the model; `None` if the model cannot be copied.
        nullable: Fields that may be null, whether or not the sample shows it.

    Returns:
        `None` if a row alone is refused, or its answer has no row in this layout.
    """
    examination = _Examination(predict, sample, rows, layout, nullable)
    if not examination.predict_alone():
        return None
    return examination.find(whole) or examination.find_memory(fresh) or examination.independent()


class _Examination:
    """The examined rows, with the answer to each row alone."""

    def __init__(
        self, predict: Predict, sample: object, rows: int, layout: Layout, nullable: Sequence[str]
    ) -> None:
        self.predict, self.sample, self.layout = predict, sample, layout
        self.numbers = _with_missing(_spread(rows, REAL_ROWS), sample)
        """The positions in the sample of the first rows of the pool; the other rows are made up."""
        self.pool, made_up_count = with_made_up(sample, self.numbers, ROWS - len(self.numbers))
        self.places = list(range(len(self.numbers) + made_up_count))
        self.nulled = self.places[len(self.numbers) + 1 :: 2] if nullable else []
        """Rows with values that are missing: a model often answers them alike."""
        self.pool = with_nulls(self.pool, self.nulled, nullable) if nullable else self.pool
        self.pool = vary_rows(self.pool, self.places[len(self.numbers) :: 2])
        self.alone: dict[int, RowAnswers] = {}
        self.refused: dict[int, str] = {}
        """The exceptions for made-up rows that the model refuses alone."""
        self.scales: list[float] = []
        """The scale of the answers, for each part."""
        self.together_s = 0.0
        """Seconds for a row in a batch."""

    def predict_alone(self) -> bool:
        """Predict each row alone; return whether each row of the sample gets one row as the answer.

        Made-up rows that the model refuses are dropped; `_find_rescue` examines some of them.
        """
        began = time.perf_counter()
        for count, place in enumerate(self._places_by_turns()):
            raw = self.predict(take(self.pool, [place]))
            answer = self._answers(raw, 1)
            if answer is not None:
                self.alone[place] = answer
            elif place < len(self.numbers):
                return False
            else:
                self.refused[place] = refusal_of(raw, self.layout, 1)
            if count + 1 >= _LEAST_ROWS and time.perf_counter() - began > _BUDGET_S / 2:
                break
        self.places = sorted(self.alone)
        scales = zip(*(answers.scales for answers in self.alone.values()), strict=True)
        self.scales = [max(part) for part in scales]
        return True

    def _places_by_turns(self) -> Iterator[int]:
        """Yield rows of the sample and made-up rows by turns, the first and the last row first."""
        real = len(self.numbers)
        real_places = [0, real - 1, *range(1, real - 1)][:real]
        made_up_places = self.places[real:]
        for k in range(max(len(real_places), len(made_up_places))):
            yield from real_places[k : k + 1]
            yield from made_up_places[k : k + 1]

    def find(self, whole: object) -> Dependent | Unstable | None:
        """Return the first contradiction between rows together and rows alone."""
        began = time.perf_counter()
        real = [place for place in self.places if place < len(self.numbers)]
        positions = [(place, self.numbers[place]) for place in real]
        finding = self._contradiction("in the sample's own order", self.sample, positions, whole)
        for count, (arrangement, places) in enumerate(self._arrangements()):
            if finding is not None or (count >= 2 and time.perf_counter() - began > _BUDGET_S):
                break
            value = take(self.pool, places)
            started = time.perf_counter()
            answer = self.predict(value)
            self.together_s = (time.perf_counter() - started) / len(places)
            if self._answers(answer, len(places)) is None:
                return Dependent(
                    arrangement=arrangement, finding=refusal_of(answer, self.layout, len(places))
                )
            # Rows of the sample first: a person can look at those.
            positions = sorted((place, number) for number, place in enumerate(places))
            finding = self._contradiction(arrangement, value, positions, answer)
        return finding or self._find_rescue()

    def _find_rescue(self) -> Dependent | None:
        """Return a dependence if a made-up row gets an answer in a batch but not alone."""
        for place in list(self.refused)[:_MOST_REFUSED]:
            company = [*self.places[:_FEW], place]
            if self._answers(self.predict(take(self.pool, company)), len(company)) is not None:
                finding = f"a made-up row gets an answer, alone {self.refused[place]}"
                return Dependent(arrangement="beside other rows", finding=finding)
        return None

    def _arrangements(self) -> Iterator[tuple[str, list[int]]]:
        """Yield arrangements of the rows in batches, the most informative first.

        The batch sizes cover those of the service: some models use another algorithm from some size on.
        """
        chance = random.Random(_SEED)  # noqa: S311
        places = self.places
        count = len(places)
        shuffled = chance.sample(places, count)
        yield "with the rows in reverse order", places[::-1]
        yield "with the rows shuffled", shuffled[: count - count // 4]
        yield "with each row repeated", [p for p in shuffled for _ in (0, 1)] + shuffled[: count * 2 // 3]
        yield "beside one other row", [places[-1], places[0]]
        yield "in a batch of a few rows", shuffled[:5]
        for many, most in ((places[0], _FEW), (places[-1], _FEW + 1)) if count > 1 else ():
            few = [place for place in shuffled if place != many][:most]
            yield "among many of another row", [*[many] * (_MANY * len(few)), *few]
        apart = zip(places, [*places[count // 2 :], *places[: count // 2]], strict=True)
        yield "with rows from far apart side by side", [p for pair in apart for p in pair][: count * 7 // 4]
        yield "with most rows left out", places[::3]
        for size in _SMALL_BATCHES:
            yield f"in a batch of {size} rows", chance.choices(places, k=size)
        for size in (LARGE_BATCH * 7 // 10, LARGE_BATCH):
            size = min(size, max(2 * count, int(_BUDGET_S / 4 / max(self.together_s, 1e-6))))
            yield f"in a batch of {size} rows", chance.choices(places, k=size)

    def _contradiction(
        self, arrangement: str, value: object, positions: Sequence[tuple[int, int]], answer: object
    ) -> Dependent | Unstable | None:
        """Return how an answer to several rows contradicts their answers alone.

        Args:
            arrangement: The arrangement of the rows, in words.
            value: The rows, as passed to the model.
            positions: Places of rows in the pool, each with its row number in `value`; repeats are allowed.
            answer: The answer to `value`.
        """
        answers = RowAnswers(answer, self.layout)
        for place, number in positions:
            row = answers.row(number)
            if not same_parts(row, self.alone[place].row(0), self.scales):
                changed = self._predict_changed(self.predict, place, "before and after other rows")
                return changed or self._find_company(arrangement, value, place, number, row)
        return None

    def _find_company(
        self, arrangement: str, value: object, place: int, number: int, row: list[object]
    ) -> Dependent | Unstable:
        """Return the dependence of a row on its batch, or an instability if a repeated call differs."""
        again = self._answers(self.predict(value), None)
        got, want = self._plain_row(row), self._plain_row(self.alone[place].row(0))
        if again is not None and not same_parts(again.row(number), row, self.scales):
            shown = difference(self._plain_row(again.row(number)), got, name="the call before")
            return Unstable(when="before and after other rows", difference=shown or "")
        name = f"row {self.numbers[place]}" if place < len(self.numbers) else "a made-up row"
        return Dependent(arrangement=arrangement, finding=f"{name} {contrast(got, want)}")

    def find_memory(self, fresh: Callable[[], Predict | None]) -> Unstable | None:
        """Return an instability if a row's answer depends on earlier calls.

        The first row is predicted again. Then new copies of the model predict all rows, the last row first,
        and a few rows alone: a model that stores its first input gives other answers there.
        """
        changed = self._predict_changed(self.predict, self.places[0], "before and after other rows")
        predict = fresh() if changed is None else None
        if predict is None:
            return changed
        began = time.perf_counter()
        backwards = sorted(self.places, key=lambda place: (place in self.nulled, -place))
        answers = self._answers(predict(take(self.pool, backwards)), len(backwards))
        for number, place in enumerate(backwards if answers is not None else ()):
            assert answers is not None
            changed = changed or self._find_instability(answers.row(number), place, _OTHER_ORDER)
        # The last row was the first in the call above.
        whole = [place for place in backwards if place not in self.nulled]
        for place in [whole[len(whole) * k // (_AGAIN + 1)] for k in range(1, _AGAIN + 1)]:
            # Each copy repeats the loading that a model does at its first call.
            in_time = time.perf_counter() - began < _BUDGET_S
            predict = fresh() if changed is None and in_time else None
            changed = changed if predict is None else self._predict_changed(predict, place, _OTHER_ORDER)
        return changed

    def _find_instability(self, row: list[object], place: int, when: str) -> Unstable | None:
        before = self.alone[place].row(0)
        if same_parts(row, before, self.scales):
            return None
        shown = difference(self._plain_row(row), self._plain_row(before), name="the call before")
        return Unstable(when=when, difference=shown or "")

    def _predict_changed(self, predict: Predict, place: int, when: str) -> Unstable | None:
        """Return how the answer to a row alone has changed; `twice` if a repeated call changes it too."""
        again = self._predict_again(predict, place)
        if again is None:  # a copy that cannot answer is no evidence about the model
            return None
        instability = self._find_instability(again, place, when)
        if instability is None:
            return None
        once_more = self._predict_again(predict, place)
        at_random = once_more is not None and not same_parts(once_more, again, self.scales)
        return dataclasses.replace(instability, when="twice") if at_random else instability

    def _predict_again(self, predict: Predict, place: int) -> list[object] | None:
        answers = self._answers(predict(take(self.pool, [place])), 1)
        return None if answers is None else answers.row(0)

    def independent(self) -> Independent | Undecided:
        """Return the finding if no arrangement contradicts independence."""
        real = sum(place < len(self.numbers) for place in self.places)
        made_up = len(self.places) - real
        if not made_up and are_alike(self.sample):
            return Undecided()
        return Independent(real=real, made_up=made_up)

    def _answers(self, answer: object, count: int | None) -> RowAnswers | None:
        """Return the rows of an answer; `None` if the call is refused or there are not `count` rows."""
        if isinstance(answer, Refused):
            return None
        row_count = count_answers(answer, self.layout)
        if row_count is None or (count is not None and row_count != count):
            return None
        return RowAnswers(answer, self.layout)

    def _plain_row(self, row: list[object]) -> object:
        values = [plain(part) for part in row]
        return values[0] if self.layout is Layout.ROWS else values


def _spread(rows: int, most: int) -> list[int]:
    """Return the places of at most `most` rows, evenly spaced, with the first and the last."""
    if rows <= most:
        return list(range(rows))
    return [k * (rows - 1) // (most - 1) for k in range(most)]


def _with_missing(numbers: list[int], sample: object) -> list[int]:
    """Replace some rows, so that each column with missing values has a row with a missing value."""
    spare = numbers[1:-1]
    for rows in list(missing_places(sample).values())[:_MOST_MISSING]:
        if not set(rows) & set(numbers):
            numbers = sorted({*numbers, rows[0]} - {spare.pop(len(spare) // 2)})
    return numbers
