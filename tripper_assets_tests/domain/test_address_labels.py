"""Addresses as people write them, each word under its label."""

import json
from pathlib import Path

import pytest

from tripper_assets.domain.address_labels import label_address

CORPUS = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus" / "geocoding" / "address_parts.jsonl"
GOAL = 0.8


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("12 High Street", "house_number=12 | road=High Street"),
        ("Town Museum, 12 High Street, Room 4", "house=Town Museum | house_number=12 | road=High Street | unit=Room 4"),
        (
            "7 Mill Lane, Ely, Cambridgeshire CB7 4ZZ, UK",
            "house_number=7 | road=Mill Lane | city=Ely | state_district=Cambridgeshire | postcode=CB7 4ZZ | country=UK",
        ),
        (
            "900 Oak Avenue North Dayton OH 45402",
            "house_number=900 | road=Oak Avenue North | city=Dayton | state=OH | postcode=45402",
        ),
        (
            "Marktplatz 3, 88131 Lindau, Deutschland",
            "road=Marktplatz | house_number=3 | postcode=88131 | city=Lindau | country=Deutschland",
        ),
        (
            "Straße des 17. Juni 135, 10623 Berlin",
            "road=Straße des 17. Juni | house_number=135 | postcode=10623 | city=Berlin",
        ),
        ("8 rue Mercière, 69002 Lyon", "house_number=8 | road=rue Mercière | postcode=69002 | city=Lyon"),
        ("Rynek Główny 1, Kraków", "road=Rynek Główny | house_number=1 | city=Kraków"),
        ("Prinsengracht 263, Amsterdam", "road=Prinsengracht | house_number=263 | city=Amsterdam"),
        ("P.O. Box 12, Austin, TX 78701", "po_box=P.O. Box 12 | city=Austin | state=TX | postcode=78701"),
        (
            "5 Main St, Bronx, NY 10451",
            "house_number=5 | road=Main St | city_district=Bronx | state=NY | postcode=10451",
        ),
        ("Dublin 4", "city=Dublin | postcode=4"),
        ("", ""),
        (" , . ", ""),
    ],
)
def test_the_parts_of_an_address_have_their_labels(text: str, labels: str) -> None:
    assert " | ".join(f"{label}={part}" for label, part in label_address(text)) == labels


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus of real addresses is not beside the checkout")
def test_four_of_five_real_addresses_have_exactly_the_labels_that_people_gave_them() -> None:
    rows = [json.loads(line) for line in CORPUS.read_text().splitlines()]

    exact = [
        sorted([label, part.lower()] for label, part in label_address(row["input"])) == sorted(row["components"])
        for row in rows
    ]

    assert sum(exact) / len(rows) >= GOAL


@pytest.mark.parametrize("text", ["1 " * 50_000, "a, " * 50_000, "Road " * 50_000, "P.O. " * 50_000, "12-" * 50_000])
def test_a_text_that_is_no_address_is_read_no_further_than_its_end(text: str) -> None:
    assert sum(len(part) for _, part in label_address(text)) <= 500
