"""The US Census geocoder: one address over GET, up to 10,000 in one file; every place lies between two known house numbers."""

import csv
import io
from collections.abc import Mapping, Sequence

from pydantic import Field, TypeAdapter

from tripper_assets.clients.geocoders.dialect import Answered, Dialect, UnreadableAnswerError, parsed, path
from tripper_assets.clients.geocoders.geojson import Latitude, Longitude
from tripper_assets.domain.candidates import Candidate
from tripper_assets.domain.geocoding import PlaceQuery
from tripper_assets.domain.regions import region_code

BENCHMARK = "Public_AR_Current"
BATCH_PATH = "/locations/addressbatch"
CONFIDENCE = {"Exact": 0.9, "Non_Exact": 0.7}
BOUNDARY = "tripper-addresses-7f3a9c"
LEAST_COLUMNS = 3
MATCHED_COLUMNS = 6


class _Point(Answered):
    x: Longitude
    y: Latitude


class _Match(Answered):
    coordinates: _Point
    matched_address: str = Field(default="", alias="matchedAddress")


class _Result(Answered):
    matches: list[_Match] = Field(alias="addressMatches")


class _Answer(Answered):
    result: _Result


ANSWER = TypeAdapter(_Answer)


def is_askable(question: PlaceQuery) -> bool:
    """Return whether the Census can know the place: a street in the US."""
    return question.countryCode in {"US", "PR"} and bool(question.street)


def _path(question: PlaceQuery) -> str:
    return path("/locations/address", _fields(question) | {"benchmark": BENCHMARK, "format": "json"})


def _fields(question: PlaceQuery) -> dict[str, str]:
    return {
        "street": question.street,
        "city": question.locality,
        "state": region_code("US", question.region),
        "zip": question.postalCode,
    }


def _read(body: bytes) -> list[Candidate]:
    matches = parsed(ANSWER, body).result.matches
    return [_candidate(one.matched_address, one.coordinates.x, one.coordinates.y, 0.9) for one in matches]


def _candidate(label: str, longitude: float, latitude: float, confidence: float) -> Candidate:
    """Return the place of a matched address, which reads "4600 SILVER HILL RD, WASHINGTON, DC, 20233"."""
    street, town, state, code = ([part.strip() for part in label.rsplit(",", 3)] + [""] * 4)[:4]
    return Candidate(
        latitude=latitude,
        longitude=longitude,
        type="house",
        accuracy="interpolated",
        confidence=confidence,
        name=street,
        label=label,
        house_number=street.partition(" ")[0],
        localities=(town,) if town else (),
        region=state,
        postal_code=code,
        country_code="US",
    )


def batch_body(questions: Sequence[PlaceQuery]) -> tuple[bytes, str]:
    """Return the form that asks for many addresses at once, and its content type; rows are numbered from 0."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerows([number, *_fields(one).values()] for number, one in enumerate(questions))
    parts = {
        'name="benchmark"': BENCHMARK,
        'name="addressFile"; filename="addresses.csv"\r\nContent-Type: text/csv': table.getvalue(),
    }
    form = "".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n" for name, value in parts.items()
    )
    return f"{form}--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def read_batch(body: bytes, count: int) -> Mapping[int, list[Candidate]]:
    """Return the places by the number of their row; rows that the answer lacks are absent, for nobody answered them.

    A tie is a row without a place: the Census knows several and names none.

    Raises:
        UnreadableAnswerError: the body is no answer to such a form.
    """
    found: dict[int, list[Candidate]] = {}
    try:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8", errors="replace")), strict=True))
    except csv.Error as error:
        raise UnreadableAnswerError("the answer is none of the provider's") from error
    for row in (row for row in rows if row):
        number = int(row[0]) if row[0].strip().isdecimal() else count
        if len(row) < LEAST_COLUMNS or number >= count or row[2] not in {"Match", "No_Match", "Tie"}:
            raise UnreadableAnswerError("the answer is none of the provider's")
        found[number] = [_row(row)] if row[2] == "Match" else []
    return found


def _row(row: list[str]) -> Candidate:
    if len(row) < MATCHED_COLUMNS:
        raise UnreadableAnswerError("the answer is none of the provider's")
    longitude, _, latitude = row[5].partition(",")
    try:
        point = _Point(x=float(longitude), y=float(latitude))
    except ValueError as error:
        raise UnreadableAnswerError("the answer is none of the provider's") from error
    return _candidate(row[4], point.x, point.y, CONFIDENCE.get(row[3], 0.5))


CENSUS = Dialect(_path, _read)
