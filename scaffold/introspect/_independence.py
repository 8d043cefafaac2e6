"""Find out whether a row's answer depends on the rows that go into the same call.

The reference is each row alone. Rows of the sample and made-up rows are then batched in other orders and with
other rows; any answer that differs by more than `TOLERANCE` shows a dependence.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence

from scaffold.introspect._ask import Ask, Refused
from scaffold.introspect._compare import difference, plain
from scaffold.introspect._findings import Dependent, Finding, Independent, Undecided, Unstable
from scaffold.introspect._layouts import Layout, count_answers
from scaffold.introspect._made_up import are_alike, with_made_up
from scaffold.introspect._missing import missing_places, with_nulls
from scaffold.introspect._row_answers import RowAnswers, contrast, refusal_of, same_parts
from scaffold.introspect._rows import take
from scaffold.introspect._varied import varied

REAL_ROWS = 16
ROWS = 26
"""How many rows are asked alone: at most `REAL_ROWS` of the sample, the rest made up."""
LARGE_BATCH = 256
_SMALL_BATCHES = (3, 4, 7, 8, 9, 11, 13, 16, 17)
"""Sizes of common batches: around powers of two, where code is often split, and some between."""
_BUDGET_S = 8.0
"""A model that needs longer for all of this is asked with fewer rows, at least `_LEAST_ROWS`, and with fewer
arrangements: never without the rows alone, in reverse order and shuffled."""
_LEAST_ROWS = 4
_AGAIN = 2
_MANY, _FEW = 30, 3
"""So many of one row make any other an outlier."""
_MOST_REFUSED = 2
_MOST_MISSING = 4
_OTHER_ORDER = "in another order of the calls"
_SEED = 4_801


def examine_rows(
    put: Ask,
    sample: object,
    rows: int,
    whole: object,
    layout: Layout,
    *,
    fresh: Callable[[], Ask | None],
    nullable: Sequence[str] = (),
) -> Finding | None:
    """Return whether the rows of `sample` may go into one call together.

    Args:
        put: Asks the model.
        sample: The records, `rows` of them.
        rows: At least 1.
        whole: The answer to the whole sample.
        layout: How answers hold their rows.
        fresh: Returns what asks a copy of the model that was not asked before; `None` where none can be made.
        nullable: Fields that may be null, whether or not the sample shows it.

    Returns:
        `None` where that is no question: a row alone is refused, or its answer holds no row in this layout.
    """
    examination = _Examination(put, sample, rows, layout, nullable)
    if not examination.ask_alone():
        return None
    return examination.find(whole) or examination.find_memory(fresh) or examination.independent()


class _Examination:
    """The rows that are asked, with each one's answer alone."""

    def __init__(self, put: Ask, sample: object, rows: int, layout: Layout, nullable: Sequence[str]) -> None:
        self.put, self.sample, self.layout = put, sample, layout
        self.numbers = _with_missing(_spread(rows, REAL_ROWS), sample)
        """Where in the sample the first rows of the pool stand; the others are made up."""
        self.pool, made = with_made_up(sample, self.numbers, ROWS - len(self.numbers))
        self.places = list(range(len(self.numbers) + made))
        self.nulled = self.places[len(self.numbers) + 1 :: 2] if nullable else []
        """Rows with values that are missing: a model often answers them alike."""
        self.pool = with_nulls(self.pool, self.nulled, nullable) if nullable else self.pool
        self.pool = varied(self.pool, self.places[len(self.numbers) :: 2])
        self.alone: dict[int, RowAnswers] = {}
        self.refused: dict[int, str] = {}
        """Made-up rows that the model refuses alone, and what it raises."""
        self.scales: list[float] = []
        """The scale of the answers, for each part."""
        self.together_s = 0.0
        """Seconds for a row in a batch."""

    def ask_alone(self) -> bool:
        """Ask each row alone; return whether each of the sample's is answered with one row.

        A made-up row that the model refuses is dropped, unless it is answered in company: see `_rescued`.
        """
        began = time.perf_counter()
        for count, place in enumerate(self._places_by_turns()):
            raw = self.put(take(self.pool, [place]))
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
        seen = [0, real - 1, *range(1, real - 1)][:real]
        made = self.places[real:]
        for k in range(max(len(seen), len(made))):
            yield from seen[k : k + 1]
            yield from made[k : k + 1]

    def find(self, whole: object) -> Dependent | Unstable | None:
        """Return the first contradiction between rows together and rows alone."""
        began = time.perf_counter()
        real = [place for place in self.places if place < len(self.numbers)]
        standing = [(place, self.numbers[place]) for place in real]
        found = self._contradiction("in the sample's own order", self.sample, standing, whole)
        for count, (words, places) in enumerate(self._arrangements()):
            if found is not None or (count >= 2 and time.perf_counter() - began > _BUDGET_S):
                break
            value = take(self.pool, places)
            asked = time.perf_counter()
            answer = self.put(value)
            self.together_s = (time.perf_counter() - asked) / len(places)
            if self._answers(answer, len(places)) is None:
                return Dependent(arrangement=words, finding=refusal_of(answer, self.layout, len(places)))
            # Rows of the sample first: a person can look at those.
            standing = sorted((place, number) for number, place in enumerate(places))
            found = self._contradiction(words, value, standing, answer)
        return found or self._rescued()

    def _rescued(self) -> Dependent | None:
        """Return that a made-up row is answered beside other rows, but not alone: they lend it something."""
        for place in list(self.refused)[:_MOST_REFUSED]:
            company = [*self.places[:_FEW], place]
            if self._answers(self.put(take(self.pool, company)), len(company)) is not None:
                finding = f"a made-up row gets an answer, alone {self.refused[place]}"
                return Dependent(arrangement="beside other rows", finding=finding)
        return None

    def _arrangements(self) -> Iterator[tuple[str, list[int]]]:
        """Yield other orders and other company for the rows, what says most first.

        Their sizes are spread over all that a service may put into one call: some models change their ways
        only from one number of rows to another.
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
        self, words: str, value: object, standing: Sequence[tuple[int, int]], answer: object
    ) -> Dependent | Unstable | None:
        """Return how an answer to several rows contradicts their answers alone.

        Args:
            words: What arrangement the rows are in.
            value: The rows, as the model was given them.
            standing: Rows of the pool, each with where it stands in `value`; one may stand there repeatedly.
            answer: The answer to `value`.
        """
        answers = RowAnswers(answer, self.layout)
        for place, number in standing:
            row = answers.row(number)
            if not same_parts(row, self.alone[place].row(0), self.scales):
                changed = self._changed(self.put, place, "before and after other rows")
                return changed or self._company(words, value, place, number, row)
        return None

    def _company(
        self, words: str, value: object, place: int, number: int, row: list[object]
    ) -> Dependent | Unstable:
        """Return the dependence of a row on its company, unless the same company gets another answer now."""
        again = self._answers(self.put(value), None)
        got, want = self._shown(row), self._shown(self.alone[place].row(0))
        if again is not None and not same_parts(again.row(number), row, self.scales):
            shown = difference(self._shown(again.row(number)), got, name="the call before")
            return Unstable(when="before and after other rows", difference=shown or "")
        name = f"row {self.numbers[place]}" if place < len(self.numbers) else "a made-up row"
        return Dependent(arrangement=words, finding=f"{name} {contrast(got, want)}")

    def find_memory(self, fresh: Callable[[], Ask | None]) -> Unstable | None:
        """Return where a row gets another answer after other rows, or without them.

        The first row is asked again. Then copies of the model that were not asked before are asked: for all
        rows, the last one first, and for a few rows alone. A model that keeps what it saw first answers
        otherwise there.
        """
        changed = self._changed(self.put, self.places[0], "before and after other rows")
        put = fresh() if changed is None else None
        if put is None:
            return changed
        began = time.perf_counter()
        backwards = sorted(self.places, key=lambda place: (place in self.nulled, -place))
        answers = self._answers(put(take(self.pool, backwards)), len(backwards))
        for number, place in enumerate(backwards if answers is not None else ()):
            assert answers is not None
            changed = changed or self._differs(answers.row(number), place, _OTHER_ORDER)
        # The last row was the first of all already.
        whole = [place for place in backwards if place not in self.nulled]
        for place in [whole[len(whole) * k // (_AGAIN + 1)] for k in range(1, _AGAIN + 1)]:
            # What a model loads at its first call is loaded again each time.
            in_time = time.perf_counter() - began < _BUDGET_S
            put = fresh() if changed is None and in_time else None
            changed = changed if put is None else self._changed(put, place, _OTHER_ORDER)
        return changed

    def _differs(self, row: list[object], place: int, when: str) -> Unstable | None:
        before = self.alone[place].row(0)
        if same_parts(row, before, self.scales):
            return None
        shown = difference(self._shown(row), self._shown(before), name="the call before")
        return Unstable(when=when, difference=shown or "")

    def _changed(self, put: Ask, place: int, when: str) -> Unstable | None:
        """Return how a row alone gets another answer than at first; a model at random does so at once."""
        again = self._alone_again(put, place)
        if again is None:  # a copy that cannot answer proves nothing about the model
            return None
        found = self._differs(again, place, when)
        if found is None:
            return None
        once_more = self._alone_again(put, place)
        at_random = once_more is not None and not same_parts(once_more, again, self.scales)
        return dataclasses.replace(found, when="twice") if at_random else found

    def _alone_again(self, put: Ask, place: int) -> list[object] | None:
        answers = self._answers(put(take(self.pool, [place])), 1)
        return None if answers is None else answers.row(0)

    def independent(self) -> Independent | Undecided:
        """Return the claim."""
        real = sum(place < len(self.numbers) for place in self.places)
        made_up = len(self.places) - real
        if not made_up and are_alike(self.sample):
            return Undecided()
        return Independent(real=real, made_up=made_up)

    def _answers(self, answer: object, count: int | None) -> RowAnswers | None:
        """Return an answer's rows, `None` where it is refused or holds another number of them."""
        if isinstance(answer, Refused):
            return None
        found = count_answers(answer, self.layout)
        if found is None or (count is not None and found != count):
            return None
        return RowAnswers(answer, self.layout)

    def _shown(self, row: list[object]) -> object:
        values = [plain(part) for part in row]
        return values[0] if self.layout is Layout.ROWS else values


def _spread(rows: int, most: int) -> list[int]:
    """Return the places of at most `most` rows, spread over all, with the first and the last."""
    if rows <= most:
        return list(range(rows))
    return [k * (rows - 1) // (most - 1) for k in range(most)]


def _with_missing(numbers: list[int], sample: object) -> list[int]:
    """Return the rows with others in the place of some, so that each column has one that misses its value."""
    spare = numbers[1:-1]
    for rows in list(missing_places(sample).values())[:_MOST_MISSING]:
        if not set(rows) & set(numbers):
            numbers = sorted({*numbers, rows[0]} - {spare.pop(len(spare) // 2)})
    return numbers
