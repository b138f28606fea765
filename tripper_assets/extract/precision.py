"""Two values of one field that two markups state: where they agree, the one that says more, or both as one."""

from typing import Any

from tripper_assets.domain.activities import AgeRange, Offer, Organizer, Place, PostalAddress
from tripper_assets.domain.identity import fold


def more_precise(name: str, value: Any, other: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Return the other value, or both as one, where it says more of the same; None where the first holds."""
    if name in {"startDate", "endDate"}:
        return other if len(value) < len(other) and other.startswith(value) else None
    if name == "type":
        return other if value == "Event" and other != value else None
    if name == "description":
        return other if len(other) > len(value) and other.startswith(value.rstrip(".… ")) else None
    kinds: dict[type, Any] = {Place: _place, Organizer: _organizer, AgeRange: _ages}
    if type(value) in kinds and type(other) is type(value):
        return kinds[type(value)](value, other)
    return _offers(value, other) if name == "offers" else None


def _place(one: Place, two: Place) -> Place | None:
    names = fold(one.name), fold(two.name)
    if all(names) and names[0] not in names[1] and names[1] not in names[0]:
        return None
    address = _address(one.address, two.address)
    if address is None:
        return None
    both = Place(name=one.name or two.name, address=address, geo=one.geo or two.geo)
    return both if both != one else None


def _address(one: PostalAddress, two: PostalAddress) -> PostalAddress | None:
    """Return two addresses as one, None where they contradict; an address in one text is coarser than its parts."""
    first, second = _parts(one), _parts(two)
    if first.keys() == {"streetAddress"} and len(second) > 1:
        whole = fold(first["streetAddress"])
        return (
            two
            if all(fold(part) in whole for name, part in second.items() if name in {"streetAddress", "postalCode"})
            else None
        )
    if second.keys() == {"streetAddress"} and len(first) > 1:
        return one
    differ = [
        name
        for name in first.keys() & second.keys()
        if name != "addressCountry" and not _overlap(first[name], second[name])
    ]
    return None if differ else PostalAddress(**(second | first))


def _parts(address: PostalAddress) -> dict[str, str]:
    return {name: text for name, text in address.model_dump().items() if text}


def _overlap(one: str, two: str) -> bool:
    one, two = fold(one), fold(two)
    return one in two or two in one


def _organizer(one: Organizer, two: Organizer) -> Organizer | None:
    return two if fold(one.name) == fold(two.name) and two.url and not one.url else None


def _ages(one: AgeRange, two: AgeRange) -> AgeRange | None:
    agree = all(
        first in (None, second) for first, second in ((one.minValue, two.minValue), (one.maxValue, two.maxValue))
    )
    return two if agree and one != two else None


def _offers(one: tuple[Offer, ...], two: tuple[Offer, ...]) -> tuple[Offer, ...] | None:
    """Return the prices with the currencies that only the other markup states."""
    same = [offer.price for offer in one] == [offer.price for offer in two]
    bare = not any(offer.priceCurrency for offer in one) and all(offer.priceCurrency for offer in two)
    return two if same and bare else None
