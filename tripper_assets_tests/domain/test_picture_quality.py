from tripper_assets.domain.activities import Activity, ImageObject, Thumbnail
from tripper_assets.domain.picture_quality import credits_shown, pictures_bare, pictures_sound, shared_pictures
from tripper_assets.domain.quality import CheckResult, Expectations, check_bundle
from tripper_assets.domain.webp import WebPFacts
from tripper_assets_tests.domain.test_quality import HOME, activity, many

SMALL = Thumbnail(contentUrl="memory:/small", sha256="5" * 64, width=320, height=240)
IMAGE = ImageObject(
    sourceUrl=f"{HOME}/a.jpg", contentUrl="memory:/a", sha256="a" * 64, width=800, height=600, thumbnail=SMALL
)
STORED = {"memory:/a": WebPFacts(800, 600), "memory:/small": WebPFacts(320, 240)}


def shows(*images: ImageObject, **fields: object) -> Activity:
    return activity(image=images, **fields)


def test_pictures_are_sound_where_every_file_is_what_the_record_says() -> None:
    assert pictures_sound(shows(IMAGE), STORED)
    assert pictures_sound(shows(), {})
    assert not pictures_sound(shows(IMAGE), STORED | {"memory:/a": WebPFacts(800, 599)})
    assert not pictures_sound(shows(IMAGE), STORED | {"memory:/a": None})
    assert not pictures_sound(shows(IMAGE), STORED | {"memory:/small": None})
    assert not pictures_sound(shows(IMAGE), {})


def test_a_picture_of_fewer_pixels_than_300_by_300_is_not_sound() -> None:
    tiny = IMAGE.model_copy(update={"width": 299, "height": 300, "thumbnail": None})

    assert not pictures_sound(shows(tiny), {"memory:/a": WebPFacts(299, 300)})


def test_metadata_in_any_file_is_seen() -> None:
    assert pictures_bare(shows(IMAGE), STORED)
    assert not pictures_bare(shows(IMAGE), STORED | {"memory:/small": WebPFacts(320, 240, ("EXIF",))})


def test_who_is_to_be_named_for_a_picture_stands_in_the_attribution() -> None:
    credited = IMAGE.model_copy(update={"creditText": "A. Painter"})

    assert credits_shown(shows(credited, attribution=("GeoNames", "A. Painter")))
    assert not credits_shown(shows(credited, attribution=("GeoNames",)))


def test_a_picture_of_more_than_a_fifth_of_the_activities_is_noticed_and_a_series_is_one() -> None:
    alike = [activity(number, name=f"Walk {number}", image=(IMAGE,) if number < 3 else ()) for number in range(10)]
    series = [activity(number, name="Story time", image=(IMAGE,)) for number in range(10)]

    assert shared_pictures(alike) == {IMAGE.sha256: 3}
    assert shared_pictures(alike[1:]) == {IMAGE.sha256: 2}
    assert shared_pictures(alike[2:]) == {}
    assert shared_pictures(series) == {}
    assert shared_pictures([activity(1, name="Alone", image=(IMAGE,))]) == {}


def verdicts(*activities: Activity, pictures: dict[str, WebPFacts | None] | None) -> dict[str, CheckResult]:
    results = check_bundle(
        activities, Expectations(source_url=HOME, maps={}, last=None, allowed_removals=0.3, pictures=pictures)
    )
    return {one.name: one for one in results}


def test_a_broken_file_and_metadata_are_errors_and_pictures_that_are_alike_a_warning() -> None:
    alike = [activity(number, name=f"Walk {number}", image=(IMAGE,)) for number in range(3)]

    found = verdicts(*alike, pictures={"memory:/a": None, "memory:/small": WebPFacts(320, 240, ("XMP",))})

    for name, severity in (("images_sound", "ERROR"), ("images_without_metadata", "ERROR"), ("images_varied", "WARN")):
        assert (found[name].passed, found[name].severity, len(found[name].failing)) == (False, severity, 3)


def test_pictures_that_nobody_looked_at_hold_no_import_and_say_so() -> None:
    found = verdicts(*many(2, image=(IMAGE,)), pictures=None)

    assert (found["images_sound"].passed, found["images_sound"].sentence) == (
        True,
        "The stored pictures were not looked at.",
    )
