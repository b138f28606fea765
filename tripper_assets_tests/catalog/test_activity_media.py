from typing import Any

from sqlalchemy import text

from tripper_assets.domain.activities import ImageObject
from tripper_assets.domain.identity import text_sha256


def rows(site: Any, query: str) -> list[Any]:
    with site.database.connection() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def picture(name: str, **fields: Any) -> ImageObject:
    values = {"contentUrl": f"file:///{name}.webp", "sha256": text_sha256(name), "width": 640}
    return ImageObject.model_validate({"sourceUrl": f"https://zoo.example/{name}.jpg", **values, **fields})


def test_activities_are_linked_to_their_stored_pictures(site: Any) -> None:
    candidate = ImageObject(sourceUrl="https://zoo.example/never-fetched.jpg")
    both = site.activity("both", image=(picture("seal"), candidate, picture("bear")))
    site.load([both, site.activity("one", image=(picture("seal"),))])
    query = """
        SELECT name, position, source_url, status, width FROM tripper.activity_media JOIN tripper.media USING (url_sha256)
        JOIN tripper.activities ON id = activity_id ORDER BY name, position
    """
    seal, bear = "https://zoo.example/seal.jpg", "https://zoo.example/bear.jpg"
    assert rows(site, query) == [
        ("both", 0, seal, "stored", 640),
        ("both", 1, bear, "stored", 640),
        ("one", 0, seal, "stored", 640),
    ]

    site.load([site.activity("both", image=(picture("bear"),)), site.activity("one", image=())])

    assert rows(site, query) == [("both", 0, bear, "stored", 640)]
