"""What each check of a bundle wants, in words, and what follows where it fails."""

from tripper_assets.domain.check_results import Severity

CHECK_WORDS: dict[str, tuple[Severity, str]] = {
    "ids_unique": ("ERROR", "Each activity has an id of its own, in the stable form."),
    "names_usable": ("ERROR", "Each name has 3 to 150 characters."),
    "urls_in_source": ("ERROR", "99 % of the activities' URLs are of the source's own site."),
    "dates_in_order": ("ERROR", "No activity ends before it starts."),
    "times_have_zone": ("ERROR", "Each time of day states its offset or zone."),
    "prices_valid": ("ERROR", "No price is below 0, and what is free has no price above it."),
    "ages_valid": ("ERROR", "No range of ages ends before it begins."),
    "maps_aligned": ("ERROR", "The maps that were joined were made from this very list of activities."),
    "not_empty": ("ERROR", "The source yields at least one activity."),
    "count_against_last_import": ("ERROR", "There are half to twice as many activities as in the last import."),
    "removals_against_last_import": ("ERROR", "No more of the last import is missing than the source allows (require_review_above)."),
    "embeddings_of_one_model": ("ERROR", "All vectors are of one model, and where that changed every activity has one."),
    "yield_against_last_runs": ("ERROR", "The crawl saw at least half of what the last runs saw."),
    "pages_read": ("WARN", "95 % of the pages that were asked for could be read."),
    "descriptions_usable": ("WARN", "90 % of the activities have a description of 40 characters or more."),
    "dates_stated": ("WARN", "90 % of the activities state when they are, or when they are open."),
    "places_stated": ("WARN", "90 % of the activities state where they are, or that they are online."),
    "images_stored": ("WARN", "80 % of the activities have a stored picture."),
    "images_sound": ("ERROR", "Each stored picture is there, is what its hash says, and is no smaller than 300 by 300 pixels in all."),
    "images_without_metadata": ("ERROR", "No stored picture tells where or with what it was taken."),
    "images_credited": ("ERROR", "Whoever is to be named for a picture is named with the record."),
    "images_varied": ("WARN", "No picture is shown by more than a fifth of the differently called activities."),
    "places_sane": ("ERROR", "No place lies at 0, 0, and none has latitude and longitude swapped."),
    "places_in_country": ("ERROR", "Each place lies in the country that its address states."),
    "attributed": ("ERROR", "Coordinates that are somebody's data say whose, and under which licence."),
    "places_found": ("WARN", "80 % of the activities that happen somewhere have coordinates."),
    "places_precise": ("WARN", "70 % of the coordinates are as precise as a street, where the geocoder knows more than towns."),
    "places_in_region": ("WARN", "98 % of the places lie in the source's region."),
    "tags_present": ("WARN", "Each activity has tags."),
    "voters_agree": ("WARN", "Where several vote, Krippendorff's alpha is 0.667 or more for each field."),
    "votes_without_errors": ("WARN", "At most 10 % of each voter's votes are errors."),
    "coordinates_apart": ("WARN", "At most 5 % of the places have the coordinates of another address."),
}  # fmt: skip


def severity_words(severity: Severity) -> str:
    """Return what follows where a check of that severity fails."""
    if severity == "ERROR":
        return "A failure holds the import until a person decides; the last good import stays."
    return "A failure is shown, and holds nothing."
