"""Real and reference pages of other projects, with what those projects expect of them: our activities state the same facts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tripper_assets.domain.activities import RawActivity
from tripper_assets.domain.identity import fold
from tripper_assets.extract import extract_activities
from tripper_assets_tests.extract.test_corpus import CORPUS, NOW

PAGE = "https://example.org/p"
EVENT = re.compile(r"(?:^|/)(?!Publication|Broadcast|OnDemand)\w*(?:Event|Festival|EventSeries|CourseInstance)$")

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real pages is not beside the checkout")


def activities(path: Path, url: str = PAGE) -> list[RawActivity]:
    return extract_activities(path.read_bytes(), url=url, content_type="text/html", now=NOW).activities


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yields each typed node of an expected output, JSON-LD's and microdata's form as one."""
    if isinstance(value, list):
        for item in value:
            yield from nodes(item)
    elif isinstance(value, dict):
        inner = value.get("properties") if isinstance(value.get("properties"), dict) else value
        types = value.get("@type", value.get("type"))
        yield {
            **inner,
            "types": [one for one in (types if isinstance(types, list) else [types]) if isinstance(one, str)],
        }
        for key, item in inner.items():
            if key not in {"superEvent", "lifeEvent", "about"}:
                yield from nodes(item)


def events(value: Any) -> list[dict[str, Any]]:
    found = [node for node in nodes(value) if any(EVENT.search(one) for one in node["types"])]
    return [node for node in found if text(node.get("name"))]


def text(value: Any) -> str:
    value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, dict):
        value = value.get("@value", value.get("name", value.get("properties", {}).get("name", "")))
        return text(value)
    return value.strip() if isinstance(value, str) else ""


def place(value: Any) -> str:
    value = value[0] if isinstance(value, list) and value else value
    return "" if isinstance(value, dict) and "Virtual" in str(value.get("@type")) else text(value)


def disagreements(node: dict[str, Any], found: list[RawActivity]) -> list[str]:
    """The facts of an expected event that the activity of its name and start does not state."""
    name, start = text(node.get("name")), text(node.get("startDate"))
    same = [one for one in found if fold(one.name) == fold(name)]
    twins = (
        [one for one in same if one.startDate[:16].replace("T", " ").startswith(start[:16].replace("T", " "))]
        if start
        else same
    )
    if not twins:
        return [f"name or start: {name} {start}"]
    return min((facts_missing(node, one) for one in twins), key=len)


def facts_missing(node: dict[str, Any], one: RawActivity) -> list[str]:
    stated = {
        "end": (text(node.get("endDate"))[:10], one.endDate[:10]),
        "place": (fold(place(node.get("location"))), fold(one.location.name if one.location else "")),
        "url": (text(node.get("url")).partition("#")[0].rpartition("/")[2], one.url.rpartition("/")[2]),
        "image": (text(node.get("image")).rpartition("/")[2], "".join(image.sourceUrl for image in one.image)),
    }
    return [f"{one.name}: {fact} {want} {got}" for fact, (want, got) in stated.items() if want and want not in got]


def expected_of_extruct() -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    for page in sorted((CORPUS / "extruct").rglob("*.html")):
        for suffix in (".json", ".jsonld"):
            wanted = page.with_suffix(suffix)
            if wanted.is_file():
                yield page, events(json.loads(wanted.read_text("utf-8")))


def test_extruct_s_samples_agree() -> None:
    compared = [(page, node) for page, wanted in expected_of_extruct() for node in wanted]
    wrong = [lack for page, node in compared for lack in disagreements(node, activities(page))]

    assert len(compared) > 10
    assert wrong == []


# These state other facts in one markup than in another.
OTHER_FACTS = {"eg-0009", "eg-0172", "eg-0262", "eg-0332", "eg-0333", "eg-0419", "eg-0426", "eg-0436", "eg-0437"}


@pytest.mark.parametrize("markup", ["jsonld", "microdata", "rdfa"])
def test_schema_org_s_examples_agree_in_each_markup(markup: str) -> None:
    pages = sorted((CORPUS / "schemaorg-examples").glob(f"*/{markup}.html"))
    wanted = [(page, page.with_name("expected.jsonld")) for page in pages]
    compared = [
        (page, node)
        for page, file in wanted
        if file.is_file() and (markup == "jsonld" or page.parent.name not in OTHER_FACTS)
        for node in events(json.loads(file.read_text("utf-8")))
    ]
    wrong = [f"{page.parent.name} {lack}" for page, node in compared for lack in disagreements(node, activities(page))]

    assert len(compared) > 8
    # Game 1 of a World Series that states no day, neither of itself nor of the game, is nothing to go to.
    assert [one for one in wrong if not one.startswith("eg-0191")] == []


def test_microformats_agree() -> None:
    pages = [
        (page, json.loads(page.with_suffix(".json").read_text("utf-8")))
        for page in sorted((CORPUS / "microformats").rglob("*.html"))
    ]
    items = [
        (page, node)
        for page, tree in pages
        for item in tree["items"]
        for node in [item, *item["properties"].get("item", [])]
    ]
    compared = [
        (page, node["properties"]) for page, node in items if isinstance(node, dict) and "h-event" in node["type"]
    ]
    wrong = []
    for page, wanted in compared:
        found = activities(page, "http://example.com/")
        starts = {one.startDate[:16] for one in found}
        wanted_starts = {start[:16].replace(" ", "T").replace("t", "T") for start in wanted.get("start", [])}
        place_name = text(
            wanted.get("location", [""])[0].get("value", "")
            if isinstance(wanted.get("location", [""])[0], dict)
            else wanted.get("location", "")
        )
        agree = (
            {fold(one.name) for one in found} == {fold(wanted["name"][0])}
            and wanted_starts <= starts | {""}
            and all(one.url == wanted.get("url", [one.url])[0] for one in found)
            and all((one.location.name if one.location else "") == place_name for one in found)
        )
        wrong += [] if agree else [page.name]

    assert len(compared) > 10
    assert wrong == []


def test_messy_businesses_state_their_address_and_hours() -> None:
    cases = json.loads((CORPUS / "alltheplaces-ld" / "cases.dev.json").read_text("utf-8"))
    facts = {
        "i['city']": "addressLocality",
        "i['state']": "addressRegion",
        "i['postcode']": "postalCode",
        "i['street_address']": "streetAddress",
    }
    wrong, count = [], 0
    for case in cases:
        checks = [
            (facts[check["expr"]], check["value"])
            for check in case["checks"]
            if check["expr"] in facts and check["op"] == "Eq"
        ]
        if not checks or not case["docs"] or len(case["docs"]) > 1:
            continue
        # A business is no outing; the same markup of a zoo is.
        document = re.sub(
            r'"@type":\s*"(?:Restaurant|Store|LocalBusiness|Place)"', '"@type": "TouristAttraction"', case["docs"][0]
        )
        document = (
            document if "TouristAttraction" in document else document.replace("{", '{"@type": "TouristAttraction",', 1)
        )
        document = document if '"name"' in document else document.replace("{", '{"name": "X",', 1)
        page = f'<script type="application/ld+json">{document}</script>'.encode()
        found = extract_activities(page, url=PAGE, content_type="text/html", now=NOW).activities
        address = found[0].location.address.model_dump() if found and found[0].location else {}
        count += len(checks)
        wrong += [
            (case["test"], name, value, address.get(name)) for name, value in checks if address.get(name) != value
        ]

    assert count >= 8
    assert wrong == []
