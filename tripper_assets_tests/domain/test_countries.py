import pytest

from tripper_assets.domain.countries import country_code


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        (" Germany ", "DE"),
        ("Deutschland", "DE"),
        ("DEU", "DE"),
        ("Österreich", "AT"),
        ("Oesterreich", "AT"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("U.S.A.", "US"),
        ("United Kingdom", "GB"),
        ("Großbritannien", "GB"),
        ("ROYAUME-UNI", "GB"),
        ("Scotland", "GB"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("États-Unis", "US"),
        ("The Netherlands", "NL"),
        ("New Zealand", "NZ"),
        ("Éire", "IE"),
        ("JP", "JP"),
        ("Köln", ""),
        ("D", ""),
        ("42", ""),
        ("ÄÖ", ""),
        ("", ""),
    ],
)
def test_a_country_as_pages_write_it(stated: str, code: str) -> None:
    assert country_code(stated) == code
