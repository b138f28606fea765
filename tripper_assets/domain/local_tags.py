"""What the local tagger says of an activity: its stated facts in the vocabulary's words, and the values whose sentences its text is like."""

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tripper_assets.domain.activities import Activity, Offer
from tripper_assets.domain.embeddings import MONTH, SEASONS
from tripper_assets.domain.identity import text_sha256
from tripper_assets.domain.tag_prototypes import PROTOTYPES
from tripper_assets.domain.tags import (
    NUMBERS,
    UNKNOWN,
    ActivityTags,
    free_tags,
    has_regular_times,
    in_order,
    stated_duration,
)

Likeness = Mapping[str, npt.NDArray[np.float32]]
"""By field of PROTOTYPES the cosine of an activity's text to the nearest sentence of each value, in PROTOTYPES' order."""

# Chosen by eye on the bundled sample site: at these a named value is mostly right, and most of the others stay unnamed.
LIKE_A_CATEGORY = 0.38
AS_LIKE = 0.05
"""A further category is named where it is as like, but for so much."""
MAX_CATEGORIES = 3
LIKE_A_CHOICE = 0.25
AHEAD = 0.08
"""A choice is made where its value is ahead of the next one by so much; else it is unknown."""
TIERS = ((0, "free"), (10, "low"), (25, "medium"))
COMPARABLE = frozenset({"EUR", "USD", "GBP", "CHF", "CAD", "AUD"})
"""Currencies of which ten are little everywhere; of others the tier is unknown."""
MONTHS_A_YEAR = 12


def prototype_texts() -> list[str]:
    """Return the sentences in the order in which their vectors are compared."""
    return [text for values in PROTOTYPES.values() for texts in values.values() for text in texts]


def likeness(
    vectors: npt.NDArray[np.float32], prototypes: npt.NDArray[np.float32]
) -> dict[str, npt.NDArray[np.float32]]:
    """Return by field an array (activities, values): the cosine to the nearest sentence; both are unit vectors of one model."""
    cosines = vectors @ prototypes.T
    found: dict[str, npt.NDArray[np.float32]] = {}
    start = 0
    for field, values in PROTOTYPES.items():
        columns: list[npt.NDArray[np.float32]] = []
        for texts in values.values():
            columns.append(cosines[:, start : start + len(texts)].max(axis=1))
            start += len(texts)
        found[field] = np.stack(columns, axis=1)
    return found


def local_tags(activity: Activity, like: Likeness) -> ActivityTags:
    """Return what can be said without a language model; what is not stated and not plainly alike stays unknown."""
    chosen = {field: _choice(field, like[field]) for field in PROTOTYPES if field != "categories"}
    return ActivityTags.model_validate(
        {
            "categories": _categories(like["categories"]),
            "price_tier": _price_tier(activity),
            "seasons": _seasons(activity),
            "free_tags": free_tags(activity.keywords),
            **_ages(activity),
            **_duration(activity),
            **chosen,
        }
    )


def _categories(scores: npt.NDArray[np.float32]) -> tuple[str, ...]:
    names = list(PROTOTYPES["categories"])
    best = sorted(range(len(names)), key=lambda place: -scores[place])[:MAX_CATEGORIES]
    least = max(LIKE_A_CATEGORY, float(scores[best[0]]) - AS_LIKE)
    return in_order("categories", (names[place] for place in best if scores[place] >= least))


def _choice(field: str, scores: npt.NDArray[np.float32]) -> str:
    names = list(PROTOTYPES[field])
    first, second = sorted(range(len(names)), key=lambda place: -scores[place])[:2]
    is_plain = scores[first] >= LIKE_A_CHOICE and scores[first] - scores[second] >= AHEAD
    return names[first] if is_plain else UNKNOWN


def _price_tier(activity: Activity) -> str:
    if activity.isAccessibleForFree:
        return "free"
    prices = [float(one.price) for one in activity.offers if _is_comparable(one)]
    if not prices:
        return UNKNOWN
    # Of a table of prices the dearest is what most pay: the others are for children and members.
    return next((tier for most, tier in TIERS if max(prices) <= most), "high")


def _is_comparable(offer: Offer) -> bool:
    return offer.priceCurrency in COMPARABLE and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", offer.price) is not None


def _seasons(activity: Activity) -> tuple[str, ...]:
    if not activity.startDate or has_regular_times(activity):
        return ()
    return (SEASONS.get(int(activity.startDate[MONTH]), "autumn"),)


def _ages(activity: Activity) -> dict[str, int | None]:
    ages = activity.ageRange
    stated = {"age_min_months": ages.minValue if ages else None, "age_max_months": ages.maxValue if ages else None}
    months = {name: None if years is None else round(years * MONTHS_A_YEAR) for name, years in stated.items()}
    return {name: value if value is None or value <= NUMBERS[name] else None for name, value in months.items()}


def _duration(activity: Activity) -> dict[str, int | None]:
    lasts = stated_duration(activity)
    minutes = round(lasts.total_seconds() / 60) if lasts else None
    return {"duration_min_minutes": minutes, "duration_max_minutes": minutes}


def prototype_version() -> str:
    """Return the hash of the sentences and bounds: a vote after one of them changed is another vote."""
    bounds = (LIKE_A_CATEGORY, AS_LIKE, MAX_CATEGORIES, LIKE_A_CHOICE, AHEAD, TIERS)
    return text_sha256("\n".join([*prototype_texts(), str(bounds)]))[:12]
