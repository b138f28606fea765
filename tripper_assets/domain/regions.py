"""First-level regions as addresses write them (states, provinces, Länder), and as GeoNames numbers them."""

import re

from tripper_assets.domain.identity import fold

US_STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC District of Columbia|FL Florida|GA Georgia
HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan
MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York
NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota
TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|PR Puerto Rico
"""
REGIONS = {
    "AT": "01 Burgenland|02 Kärnten|03 Niederösterreich|04 Oberösterreich|05 Salzburg|06 Steiermark|07 Tirol|08 Vorarlberg|09 Wien|09 Vienna",
    "AU": "01 ACT|02 NSW|03 NT|04 QLD|05 SA|06 TAS|07 VIC|08 WA|01 Australian Capital Territory|02 New South Wales|03 Northern Territory"
    "|04 Queensland|05 South Australia|06 Tasmania|07 Victoria|08 Western Australia",
    "CA": "01 AB|02 BC|03 MB|04 NB|05 NL|07 NS|08 ON|09 PE|10 QC|11 SK|12 YT|13 NT|14 NU|01 Alberta|02 British Columbia|03 Manitoba"
    "|04 New Brunswick|05 Newfoundland and Labrador|07 Nova Scotia|08 Ontario|09 Prince Edward Island|10 Quebec|11 Saskatchewan|12 Yukon",
    "DE": "01 Baden-Württemberg|02 Bayern|02 Bavaria|03 Bremen|04 Hamburg|05 Hessen|05 Hesse|06 Niedersachsen|07 Nordrhein-Westfalen|07 NRW"
    "|08 Rheinland-Pfalz|09 Saarland|10 Schleswig-Holstein|11 Brandenburg|12 Mecklenburg-Vorpommern|13 Sachsen|13 Saxony|14 Sachsen-Anhalt"
    "|15 Thüringen|15 Thuringia|16 Berlin",
    "FR": "11 Île-de-France|24 Centre-Val de Loire|27 Bourgogne-Franche-Comté|28 Normandie|32 Hauts-de-France|44 Grand Est|52 Pays de la Loire"
    "|53 Bretagne|75 Nouvelle-Aquitaine|76 Occitanie|84 Auvergne-Rhône-Alpes|93 Provence-Alpes-Côte d'Azur|94 Corse",
    "GB": "ENG England|SCT Scotland|WLS Wales|WLS Cymru|NIR Northern Ireland",
    "US": US_STATES.strip().replace("\n", "|"),
}
DEPARTEMENTS = {
    "11": "75 77 78 91 92 93 94 95",
    "24": "18 28 36 37 41 45",
    "27": "21 25 39 58 70 71 89 90",
    "28": "14 27 50 61 76",
    "32": "02 59 60 62 80",
    "44": "08 10 51 52 54 55 57 67 68 88",
    "52": "44 49 53 72 85",
    "53": "22 29 35 56",
    "75": "16 17 19 23 24 33 40 47 64 79 86 87",
    "76": "09 11 12 30 31 32 34 46 48 65 66 81 82",
    "84": "01 03 07 15 26 38 42 43 63 69 73 74",
    "93": "04 05 06 13 83 84",
    "94": "20",
}
PROVINCIAS = {
    "07": "07",
    "27": "26",
    "29": "28",
    "31": "30",
    "32": "31",
    "34": "33",
    "39": "39",
    "51": "04 11 14 18 21 23 29 41",
    "52": "22 44 50",
    "53": "35 38",
    "54": "02 13 16 19 45",
    "55": "05 09 24 34 37 40 42 47 49",
    "56": "08 17 25 43",
    "57": "06 10",
    "58": "15 27 32 36",
    "59": "01 20 48",
    "60": "03 12 46",
}
ZIP_RANGES = """
AL 350-369 AK 995-999 AZ 850-865 AR 716-729 CA 900-961 CO 800-816 CT 060-069 DE 197-199 DC 200-200 DC 202-205 FL 320-349 GA 300-319 GA 398-399
HI 967-968 ID 832-838 IL 600-629 IN 460-479 IA 500-528 KS 660-679 KY 400-427 LA 700-714 ME 039-049 MD 206-219 MA 010-027 MI 480-499 MN 550-567
MS 386-397 MO 630-658 MT 590-599 NE 680-693 NV 889-898 NH 030-038 NJ 070-089 NM 870-884 NY 005-005 NY 100-149 NC 270-289 ND 580-588 OH 430-458
OK 730-731 OK 734-749 OR 970-979 PA 150-196 RI 028-029 SC 290-299 SD 570-577 TN 370-385 TX 750-799 TX 885-885 TX 733-733 UT 840-847 VT 050-059
VA 201-201 VA 220-246 WA 980-994 WV 247-268 WI 530-549 WY 820-831 PR 006-007 PR 009-009
"""
CODES = {
    country: {fold(name): code for code, _, name in (item.partition(" ") for item in names.split("|"))}
    for country, names in REGIONS.items()
}
CODES["US"] |= {code.lower(): code for code in CODES["US"].values()}
BY_PREFIX = {
    country: {prefix: region for region, prefixes in table.items() for prefix in prefixes.split()}
    for country, table in (("FR", DEPARTEMENTS), ("ES", PROVINCIAS))
}
BY_PREFIX["US"] = {
    f"{prefix:03}": state
    for state, first, last in re.findall(r"([A-Z]{2}) (\d+)-(\d+)", ZIP_RANGES)
    for prefix in range(int(first), int(last) + 1)
}
LONGEST_ABBREVIATION = 3
PREFIX_LENGTH = {"ES": 2, "FR": 2, "US": 3}


def region_code(country: str, text: str) -> str:
    """Return GeoNames' code of a region that ``text`` states by name or abbreviation, empty where none is known here."""
    words = fold(text)
    if country == "CH":
        return text.strip().upper() if re.fullmatch(r"[A-Za-z]{2}", text.strip()) else ""
    known = CODES.get(country, {})
    return known.get(words) or known.get(words.replace(" ", "")) or ""


def region_of_postal_code(country: str, postal_code: str) -> str:
    """Return GeoNames' code of the region that a postal code lies in, where its first digits tell (ES, FR, US), else empty."""
    length = PREFIX_LENGTH.get(country, 0)
    whole = re.fullmatch(r"\d{5}(?:-\d{4})?", postal_code.strip()) is not None
    return BY_PREFIX[country].get(postal_code.strip()[:length], "") if length and whole else ""


def region_name(country: str, code: str) -> str:
    """Return the name of the region with GeoNames' code in its own language, empty where it is not known here."""
    names = (item.partition(" ") for item in REGIONS.get(country, "").split("|") if item)
    return next((name for known, _, name in names if known == code and len(name) > LONGEST_ABBREVIATION), "")
