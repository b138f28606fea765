import html
from datetime import UTC, datetime, timedelta

import pytest

from tripper_assets.domain.notifications import (
    LONGEST_TEXT,
    LONGEST_WAIT,
    Change,
    kind_of,
    notification,
    trial_notification,
    wait_before,
)

NOW = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
PAGES = "https://tripper.example.org"


def change(**more: object) -> Change:
    values = {
        "event_id": 7, "workflow_id": "34dcfa4e-372a", "source_key": "e-0123abcd", "source_url": "https://example.org/", "kind": "status",
        "was": "running", "became": "failed", "reason": "raw_activities: The site is down.", "at": NOW,
    }  # fmt: skip
    return Change.model_validate(values | more)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"became": "failed"}, "failed"),
        ({"became": "review"}, "review"),
        ({"became": "review", "held_by": ("not_empty",)}, "guard"),
        ({"became": "review", "imports_itself": True}, None),  # the import comes by itself
        ({"became": "review", "imports_itself": True, "held_by": ("not_empty",)}, "guard"),
        ({"became": "review", "was": "review"}, None),  # only its reason is another
        ({"became": "completed"}, None),
        ({"became": "running"}, None),
        ({"kind": "imported", "became": "", "was": ""}, "imported"),
    ],
)
def test_a_person_is_told_of_failures_of_wanted_reviews_and_of_what_is_held(
    more: dict[str, object], kind: str | None
) -> None:
    assert kind_of(change(**more)) == kind


def test_a_message_says_whose_site_what_happened_and_where_to_go() -> None:
    message = notification(change(), "failed", PAGES)

    assert message.id == "event-7"
    assert message.text == "Failed: https://example.org/: raw_activities: The site is down."
    section, context = message.body()["blocks"]
    assert section["text"]["text"] == "*Failed: https://example.org/*\nraw_activities: The site is down."
    assert context["elements"][0]["text"] == (
        "<https://tripper.example.org/review/34dcfa4e-372a|Open its page> · workflow `34dcfa4e` · 2026-03-15 09:00 UTC"
    )


def test_what_is_held_names_the_checks_and_an_import_counts() -> None:
    held = notification(change(became="review", held_by=("not_empty", "ids_unique"), reason=""), "guard", PAGES)
    counts = {"lines": 3, "inserted": 2, "removed": 1, "updated": 0}
    imported = notification(change(kind="imported", reason="", counts=counts), "imported", PAGES)

    assert held.text == "Held by 2 checks: https://example.org/"
    assert held.blocks[1]["elements"][0]["text"].endswith(" · `not_empty`, `ids_unique`")
    assert imported.text == "Imported: https://example.org/: 2 inserted, 1 removed."


def test_a_strangers_words_are_no_link_mention_or_command() -> None:
    message = notification(change(reason="<!channel> <https://evil.example|here> & more"), "failed", PAGES)

    assert "<" not in message.text
    assert message.blocks[0]["text"]["text"].endswith("&lt;!channel&gt; &lt;https://evil.example|here&gt; &amp; more")


@pytest.mark.parametrize("letter", ["x", "&", "<"])
def test_a_long_reason_is_cut_to_what_fits_into_a_message(letter: str) -> None:
    address = f"https://example.org/?{letter * 500}"

    message = notification(change(reason=letter * 100_000, source_url=address), "failed", PAGES)

    assert LONGEST_TEXT - 5 < len(message.text) <= LONGEST_TEXT
    shown = message.blocks[0]["text"]["text"]
    assert 2_500 < len(shown) < 3_000
    assert html.escape(html.unescape(shown), quote=False) == shown  # no letter is cut in two


def test_a_message_is_sent_again_after_longer_and_longer_until_it_is_once_an_hour() -> None:
    waits = [wait_before(attempt).total_seconds() for attempt in range(1, 9)]

    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert wait_before(10_000) == LONGEST_WAIT


def test_two_trials_are_two_messages() -> None:
    assert trial_notification(NOW).id != trial_notification(NOW + timedelta(microseconds=1)).id
