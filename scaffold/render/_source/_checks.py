"""The checks that some types need beyond pydantic's own, as they stand in `schemas.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scaffold.render._code import Imports

_ISO = '''\
def _iso_datetime(value: object) -> object:
    """Return ISO 8601 text with a time: a date alone means its midnight, a number is no date."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or value[4:5] != "-":
        raise ValueError("should be ISO 8601 text, such as 2024-06-15T12:00:00")
    return f"{value}T00:00:00" if len(value) == 10 else value
'''

_DATE = '''\
def _iso_date(value: object) -> object:
    """Return ISO 8601 text: a number is no date."""
    if not isinstance(value, date) and not (isinstance(value, str) and value[4:5] == "-"):
        raise ValueError("should be ISO 8601 text, such as 2024-06-15")
    return value


Date = Annotated[date, Field(strict=False), BeforeValidator(_iso_date)]
'''

_EXACT = '''\
def _exact(value: object) -> object:
    """Return text or an integer: a float has lost digits. strict_json.py makes text of it."""
    if isinstance(value, bool | float):
        raise PydanticCustomError("decimal_as_float", "should be text, or a number sent over HTTP")
    return value


Exact = Annotated[Decimal, Field(strict=False), BeforeValidator(_exact)]
'''

_BASE64 = '''\
def _from_base64(value: object) -> bytes:
    """Return the bytes that base64 text stands for."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("should be base64 text")
    return b64decode(value, validate=True)


Base64 = Annotated[bytes, Field(min_length=1), BeforeValidator(_from_base64)]
'''

_IMAGE = '''\
# A small file can hold a huge image: above this it is refused before it is decoded.
MAX_PIXELS = 50_000_000


def _open_image(value: object) -> PIL.Image.Image:
    """Return the image, decoded to its end: what is cut or no image does not reach the model."""
    if isinstance(value, PIL.Image.Image):
        return value
    if not isinstance(value, str):
        raise ValueError("should be an image file as base64 text")
    try:
        image = PIL.Image.open(BytesIO(b64decode(value, validate=True)))
        too_large = image.width * image.height > MAX_PIXELS
        if not too_large:
            image.load()
    except Exception as error:  # each decoder raises errors of its own
        raise ValueError("should be a whole image file as base64 text") from error
    if too_large:
        raise ValueError(f"should have at most {MAX_PIXELS} pixels")
    return image


Image = Annotated[
    PIL.Image.Image,
    PlainValidator(_open_image),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/*"}),
]
'''

_ONE_OF = '''\
def _one_of(levels: list[Any]) -> AfterValidator:
    """Return a check that refuses every other value."""

    def check(value: Any) -> Any:
        if value not in levels:
            raise ValueError(f"should be one of {levels}")
        return value

    return AfterValidator(check)
'''

_PERIOD = '''\
def _period(frequency: str) -> AfterValidator:
    """Return a check that refuses what is no period of this frequency."""

    def check(value: str) -> str:
        if str(pd.Period(value, frequency)) == "NaT":
            raise ValueError("should be a period, such as 2024-06")
        return value

    return AfterValidator(check)
'''

_NANOSECONDS = '''\
def _nanoseconds(kind: Any) -> PlainValidator:
    """Return a check that reads ISO 8601 text as nanoseconds: since 1970 in UTC, or of a span.

    A datetime and a timedelta have six digits of a second; these are nine.
    """
    adapter = TypeAdapter[datetime | timedelta](kind)

    def check(value: object) -> int:
        if not isinstance(value, str):
            raise ValueError("should be ISO 8601 text")
        span = adapter.validate_python(value)
        if isinstance(span, datetime):
            span -= datetime(1970, 1, 1, tzinfo=timezone.utc if span.tzinfo else None)
            sign = 1
        else:
            sign = -1 if value.startswith("-") else 1
        found = re.search(r"\\.\\d{6}(\\d+)", value)
        digits = found[1].ljust(3, "0") if found else "000"
        count = span // timedelta(microseconds=1) * 1000 + sign * int(digits)
        if len(digits) > 3 or abs(count) >= 2**63:
            raise ValueError("should have at most nine digits, and be within 292 years of 1970")
        return count

    return PlainValidator(check)
'''

_MOMENTS = '''\
def _inside(value: Any, path: Sequence[str], place: tuple[int | str, ...] = ()) -> Iterator[Any]:
    """Yield what stands at `path` inside `value`, each with its place; `*` is every item."""
    if not path:
        yield place, value
        return
    step, *rest = path
    if step != "*":
        found: dict[Any, Any] = {step: getattr(value, step, None)}
    elif isinstance(value, Mapping):
        found = dict(value)
    else:
        found = dict(enumerate(value)) if isinstance(value, Iterable) else {}
    for key, item in found.items():
        yield from _inside(item, rest, (*place, key))


def _moments(zoned: dict[tuple[str, ...], bool]) -> AfterValidator:
    """Return a check that moments have a time zone, or none, as those of the sample have.

    A class that says `datetime` takes both; the model was tried with one of them.
    """

    def check(value: Any) -> Any:
        errors: list[InitErrorDetails] = [
            {"type": "timezone_aware" if aware else "timezone_naive", "loc": place, "input": moment}
            for path, aware in zoned.items()
            for place, moment in _inside(value, path)
            if isinstance(moment, datetime) and (moment.tzinfo is not None) is not aware
        ]
        if errors:
            raise ValidationError.from_exception_data(type(value).__name__, errors)
        return value

    return AfterValidator(check)
'''

_PYDANTIC = "pydantic"


def checks(required: Iterable[str], imports: Imports) -> list[str]:
    """Return the code of the checks `required`, and add the imports of this code."""
    required = set(required)
    blocks = []
    if zoned := {alias: of for alias, of in _ZONES.items() if alias in required}:
        blocks.append(_iso(zoned, imports))
    if "nanoseconds" in required:
        imports.whole("re")
        imports.take("datetime", "datetime", "timedelta", "timezone")
        imports.take("typing", "Any")
        imports.take(_PYDANTIC, "PlainValidator", "TypeAdapter")
        blocks.append(_NANOSECONDS)
    if "moments" in required:
        imports.take("collections.abc", "Iterable", "Iterator", "Mapping", "Sequence")
        imports.take("datetime", "datetime")
        imports.take("typing", "Any")
        imports.take(_PYDANTIC, "AfterValidator", "ValidationError")
        imports.take("pydantic_core", "InitErrorDetails")
        blocks.append(_MOMENTS)
    if "Date" in required:
        imports.take("datetime", "date")
        _annotated(imports, "BeforeValidator", "Field")
        blocks.append(_DATE)
    if "Exact" in required:
        imports.take("decimal", "Decimal")
        _annotated(imports, "BeforeValidator", "Field")
        imports.take("pydantic_core", "PydanticCustomError")
        blocks.append(_EXACT)
    if "Base64" in required:
        imports.take("base64", "b64decode")
        _annotated(imports, "BeforeValidator", "Field")
        blocks.append(_BASE64)
    if "Image" in required:
        imports.take("base64", "b64decode")
        imports.take("io", "BytesIO")
        imports.whole("PIL.Image")
        _annotated(imports, "PlainValidator", "WithJsonSchema")
        blocks.append(_IMAGE)
    if "one_of" in required:
        imports.take("typing", "Any")
        imports.take(_PYDANTIC, "AfterValidator")
        blocks.append(_ONE_OF)
    if "period" in required:
        imports.whole("pandas", "pd")
        imports.take(_PYDANTIC, "AfterValidator")
        blocks.append(_PERIOD)
    return [block.rstrip("\n") for block in blocks]


_ZONES = {"Datetime": "NaiveDatetime", "ZonedDatetime": "AwareDatetime"}


def _iso(zoned: Mapping[str, str], imports: Imports) -> str:
    """The check of moments, and the names of those types of pydantic that are wanted."""
    imports.take("datetime", "datetime")
    _annotated(imports, "BeforeValidator", "Field")
    imports.take(_PYDANTIC, *zoned.values())
    aliases = [
        f"{alias} = Annotated[{of}, Field(strict=False), BeforeValidator(_iso_datetime)]\n"
        for alias, of in zoned.items()
    ]
    return _ISO + "\n\n" + "".join(aliases)


def _annotated(imports: Imports, *names: str) -> None:
    imports.take("typing", "Annotated")
    imports.take(_PYDANTIC, *names)
