"""What is learned of parameters and spellings that make no other page."""

from collections.abc import Iterable

import pytest

from tripper_assets.domain.noise import MAX_NAMES, Noise, without_each
from tripper_assets.domain.templates import Said
from tripper_assets.domain.urls import PageUrl

ROOT = "https://example.org"


def learned(*pages: tuple[str, set[int]]) -> Noise:
    noise, read = Noise(), dict[str, Said]()
    for path, said in pages:
        noise.compare(f"{ROOT}{path}", frozenset(said), read)
        read[f"{ROOT}{path}"] = frozenset(said)
    return noise


def watched(*pages: Iterable[str]) -> Noise:
    noise = Noise()
    for links in pages:
        noise.watch(f"{ROOT}{link}" for link in links)
    return noise


def known_as(noise: Noise, path: str) -> str:
    return noise.without(PageUrl(f"{ROOT}{path}", f"{ROOT}{path}")).identity.removeprefix(ROOT)


def test_a_parameter_under_which_two_pages_say_the_same_is_noise_there() -> None:
    noise = learned(("/event/1", {1}), ("/event/1?ref=a", {1}), ("/event/2", {2}), ("/event/2?ref=b", {2}))

    assert known_as(noise, "/event/3?ref=c&day=2") == "/event/3?day=2"
    assert known_as(noise, "/other?ref=c") == "/other?ref=c"


def test_one_page_is_no_evidence_and_a_page_that_says_nothing_is_none_at_all() -> None:
    noise = learned(
        ("/event/1", {1}),
        ("/event/1?ref=a", {1}),
        ("/x/1", set()),
        ("/x/1?ref=a", set()),
        ("/x/2", set()),
        ("/x/2?ref=a", set()),
    )

    assert known_as(noise, "/event/3?ref=c") == "/event/3?ref=c"
    assert known_as(noise, "/x/3?ref=c") == "/x/3?ref=c"


def test_a_parameter_that_names_the_page_is_never_noise() -> None:
    noise = learned(*((f"/view?id={number}", {number}) for number in range(9)), ("/view", {1}))

    assert known_as(noise, "/view?id=12") == "/view?id=12"


def test_what_was_taken_for_noise_is_no_more_once_a_page_says_something_else() -> None:
    same = [("/list", {1, 2, 3}), ("/list?age=4", {1, 2}), ("/list?area=n", {1}), ("/list?age=8", {3})]
    noise = learned(*same)
    assert known_as(noise, "/list?age=9") == "/list"

    noise.compare(f"{ROOT}/list?age=12", frozenset({7}), {f"{ROOT}/list": frozenset({1, 2, 3})})

    assert known_as(noise, "/list?age=9") == "/list?age=9"


def test_noise_in_two_places_is_noise_everywhere() -> None:
    pages = [
        (f"/{place}/1{query}", {len(place)})
        for place in ("event", "venues", "shows-of-today")
        for query in ("", "?src=a")
    ]
    more = [("/event/2", {9}), ("/event/2?src=b", {9})]

    assert known_as(learned(*pages, *more), "/never-seen?src=z") == "/never-seen"


def test_the_same_page_under_two_values_is_evidence_too() -> None:
    noise = learned(("/event/1?t=1", {1}), ("/event/1?t=2", {1}), ("/event/2?t=3", {2}), ("/event/2?t=4", {2}))

    assert known_as(noise, "/event/3?t=5") == "/event/3"


@pytest.mark.parametrize(
    ("noisy", "plain"),
    [("/event/{};lang=2", "/event/{}"), ("/index.php/event/{}", "/event/{}"), ("/Event/{}", "/event/{}")],
)
def test_spellings_of_a_path_are_learned_as_parameters_are(noisy: str, plain: str) -> None:
    pages = [(form.format(number), {number}) for number in (1, 2) for form in (plain, noisy)]

    assert known_as(learned(*pages), noisy.format(77)) == plain.format(77)
    assert known_as(Noise(), noisy.format(77)) == noisy.format(77)


def test_the_page_is_asked_for_as_the_link_says() -> None:
    noise = learned(("/event/1", {1}), ("/event/1?s=a", {1}), ("/event/2", {2}), ("/event/2?s=b", {2}))

    assert noise.without(PageUrl(f"{ROOT}/event/3?s=c", f"{ROOT}/event/3/?s=c")).address == f"{ROOT}/event/3/?s=c"


def test_the_name_that_pages_give_themselves_is_evidence() -> None:
    noise = Noise()
    for number in (1, 2):
        noise.compare(f"{ROOT}/event/{number}?pos=4", frozenset({number}), {}, canonical=f"{ROOT}/event/{number}")

    assert known_as(noise, "/event/3?pos=9") == "/event/3"


def test_a_value_that_never_comes_twice_is_noise_before_any_page_was_read_twice() -> None:
    noise = watched(*([f"/about?t={page}1", f"/events?t={page}2", f"/contact?t={page}3"] for page in range(3)))

    assert known_as(noise, "/new?t=999") == "/new"


def test_the_ids_of_a_list_are_a_choice_and_no_noise() -> None:
    pages = [
        [f"/{kind}?id={number}" for kind in ("view", "map", "book") for number in range(10 * page, 10 * page + 9)]
        for page in range(5)
    ]

    assert known_as(watched(*pages), "/view?id=7") == "/view?id=7"


def test_a_value_that_several_pages_share_is_no_noise() -> None:
    pages = [[f"/{kind}?lang={value}" for kind in ("about", "events", "contact")] for value in ("de", "fr", "de", "fr")]

    assert known_as(watched(*pages), "/about?lang=de") == "/about?lang=de"


def test_a_page_number_and_a_date_are_never_noise() -> None:
    assert without_each(f"{ROOT}/list?page=2&sort=date") == {"sort": f"{ROOT}/list?page=2"}
    assert without_each(f"{ROOT}/cal?date=2026-06-01&sort=date") == {"sort": f"{ROOT}/cal?date=2026-06-01"}


def test_a_site_that_makes_up_names_without_end_is_remembered_up_to_a_cap() -> None:
    noise = Noise()
    for number in range(MAX_NAMES + 100):
        noise.watch([f"{ROOT}/a?x{number}=1", f"{ROOT}/b?x{number}=2"])

    assert len(noise._evidence) == MAX_NAMES
