"""What an activity is, in a few English words for a card: when it happens, for what ages, what it costs, where it is, and in which language."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from tripper_assets.domain.activities import Activity, AgeRange, Offer, OpeningHours, Place, Schedule
from tripper_assets.domain.occurrences import DAY_NAMES, is_rule

DATE = len("2026-01-31")
MONTH = 12
SHOWN_HOURS = 3
OLD = 99
WEEK_TEXTS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LANGUAGES = {
    "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "et": "Estonian", "eu": "Basque", "fi": "Finnish", "fr": "French", "gl": "Galician", "hr": "Croatian", "hu": "Hungarian", "it": "Italian",
    "ja": "Japanese", "lt": "Lithuanian", "lv": "Latvian", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "sk": "Slovak", "sl": "Slovenian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian",
}  # fmt: skip
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def when_words(activity: Activity, *, today: date) -> str:
    """Return when it happens, the next day first; empty where nothing is stated."""
    rules = [one for one in activity.eventSchedule if is_rule(one)]
    if rules:
        return "; ".join(dict.fromkeys(map(_rule, rules)))
    if len(activity.eventSchedule) > 1:
        return _listed(activity.eventSchedule, today)
    if activity.startDate:
        return _span(activity.startDate, activity.endDate)
    return hours_words(activity.openingHoursSpecification)


def schedule_words(stated: Sequence[Schedule]) -> list[str]:
    """Return each rule and each stated occurrence in words."""
    return [
        _rule(one) if is_rule(one) else _joined(day_words(one.startDate), _clock(one.startTime, one.endTime))
        for one in stated
    ]


def _listed(stated: Sequence[Schedule], today: date) -> str:
    """Return the first of several days that is not over, and how many follow."""
    ordered = sorted(stated, key=lambda one: (one.startDate, one.startTime))
    coming = [one for one in ordered if (one.endDate or one.startDate) >= today.isoformat()] or ordered[-1:]
    first, more = coming[0], len(coming) - 1
    said = _joined(day_words(first.startDate), _clock(first.startTime, first.endTime))
    return f"{said}, and {more} more {'day' if more == 1 else 'days'}" if more else said


def _span(start: str, end: str) -> str:
    if not end or end[:DATE] == start[:DATE]:
        return _joined(day_words(start), _clock(start[DATE + 1 :], end[DATE + 1 :]))
    clock = _clock(start[DATE + 1 :], end[DATE + 1 :])
    return _joined(f"{day_words(start)} to {day_words(end)}", clock)


def _rule(one: Schedule) -> str:
    days = _weekdays(one) or _days_of_month(one) or _frequency(one.repeatFrequency)
    until = f"until {day_words(one.endDate)}" if one.endDate and one.endDate != one.startDate else ""
    return ", ".join(part for part in (days, _clock(one.startTime, one.endTime), until) if part)


def _weekdays(one: Schedule) -> str:
    if not one.byDay:
        return ""
    if one.byMonthWeek:
        weeks = " and ".join(WEEK_TEXTS.get(week, f"{week}th") for week in one.byMonthWeek)
        return f"Every {weeks} {_either(one.byDay)} of the month"
    weeks = _every(one.repeatFrequency, "W")
    return f"Every {_either(one.byDay)}" if weeks == 1 else f"{_either(one.byDay)} of every {weeks} weeks"


def _either(days: Sequence[str]) -> str:
    held = [day for day in DAY_NAMES if day in days]
    if len(held) == len(DAY_NAMES):
        return "day"
    return " and ".join([", ".join(held[:-1]), held[-1]] if len(held) > 1 else held)


def _days_of_month(one: Schedule) -> str:
    return f"Day {', '.join(map(str, one.byMonthDay))} of the month" if one.byMonthDay else ""


def _frequency(duration: str) -> str:
    """Return an ISO 8601 duration of one unit, such as P2W, in words."""
    units = {"D": "day", "W": "week", "M": "month", "Y": "year"}
    unit = "" if "T" in duration else units.get(duration[-1:], "")
    if not unit:
        return "Again and again"
    count = _every(duration, duration[-1])
    return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"


def _every(duration: str, unit: str) -> int:
    count = duration.removeprefix("P").removesuffix(unit)
    return int(count) if count.isdecimal() and duration.endswith(unit) else 1


def hours_words(stated: Sequence[OpeningHours], *, most: int = SHOWN_HOURS) -> str:
    """Return opening hours with the days of one time together, such as Open Tuesday to Sunday 10:00 to 17:00; of ``most`` times."""
    times: dict[str, list[str]] = {}
    for one in stated:
        if one.opens and one.opens != one.closes:
            times.setdefault(_clock(one.opens, one.closes), []).extend(one.dayOfWeek or DAY_NAMES)
    parts = [f"{_runs(days)} {clock}" for clock, days in list(times.items())[:most]]
    return f"Open {'; '.join(parts)}{' …' if len(times) > most else ''}" if parts else ""


def _runs(days: Iterable[str]) -> str:
    """Return weekdays in their order, those that follow one another as a span."""
    held = [number for number, day in enumerate(DAY_NAMES) if day in set(days)]
    if len(held) == len(DAY_NAMES):
        return "every day"
    runs: list[list[int]] = []
    for number in held:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _run(run: Sequence[int]) -> str:
    names = [DAY_NAMES[number] for number in run]
    return f"{names[0]} to {names[-1]}" if len(names) > 2 else ", ".join(names)  # noqa: PLR2004 (a span has a middle)


def _clock(start: str, end: str) -> str:
    first, last = start[:5], end[:5]
    if not first:
        return ""
    return f"{first} to {last}" if last and last != first else first


def day_words(stated: str) -> str:
    """Return an ISO date, or the date of a date-time, as people say it; what is none comes back as it stands."""
    try:
        day = datetime.fromisoformat(stated[:DATE]).date()
    except ValueError:
        return stated
    return f"{day:%a} {day.day} {day:%b %Y}"


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def ages_words(ages: AgeRange | None) -> str:
    """Return for what ages it is; empty where that is not stated."""
    if ages is None or (ages.minValue is None and ages.maxValue is None):
        return ""
    low, high = ages.minValue or 0, ages.maxValue
    if high is None or high >= OLD:
        return f"From {_age(low)}" if low else "All ages"
    if not low:
        return f"Up to {_age(high)}"
    if low == high:
        return _age(low)
    return f"{_age(low) if _age(low).endswith('months') else f'{low:g}'} to {_age(high)}"


def _age(years: float) -> str:
    if 0 < years < 2 and years != int(years):  # noqa: PLR2004 (babies are counted in months)
        return f"{round(years * MONTH)} months"
    return f"{years:g} year{'' if years == 1 else 's'}"


def price_words(offers: Sequence[Offer], *, is_free: bool | None) -> str:
    """Return what it costs, the cheapest first; empty where that is not stated."""
    if is_free:
        return "Free"
    priced = sorted({(amount, one.priceCurrency) for one in offers if (amount := _amount(one.price)) is not None})
    if not priced:
        return ""
    (least, currency), (most, other) = priced[0], priced[-1]
    if most == least or other != currency:
        return _money(least, currency) if least else "Free"
    return f"{_money(least, currency) if least else 'Free'} to {_money(most, currency)}"


def _amount(price: str) -> Decimal | None:
    try:
        amount = Decimal(price)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _money(amount: Decimal, currency: str) -> str:
    digits = f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"
    sign = SIGNS.get(currency)
    return f"{sign}{digits}" if sign else f"{digits} {currency}".strip()


def place_words(place: Place | None) -> str:
    """Return the venue and its town; empty where neither is stated."""
    if place is None:
        return ""
    town = place.address.addressLocality
    return _joined(place.name, "" if town and town in place.name else town)


def address_lines(place: Place | None) -> tuple[str, ...]:
    """Return the postal address line by line, without what is not stated."""
    if place is None:
        return ()
    address = place.address
    town = " ".join(part for part in (address.postalCode, address.addressLocality) if part)
    lines = (place.name, address.streetAddress, town, address.addressRegion, address.addressCountry)
    return tuple(dict.fromkeys(line for line in lines if line))


def language_tag(stated: str) -> str:
    """Return the tag where it is one as far as its letters go (BCP 47); else empty, for a publisher may write anything there."""
    return stated if LANGUAGE_TAG.fullmatch(stated) else ""


def language_words(stated: str) -> str:
    """Return the English name of a language by its tag (de-AT is German); the tag where it has no name here, empty for what is none."""
    tag = language_tag(stated)
    return LANGUAGES.get(tag.split("-", maxsplit=1)[0].lower(), tag)
