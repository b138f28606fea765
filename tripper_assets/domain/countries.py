"""The ISO 3166-1 alpha-2 code of a country as pages write it."""

from tripper_assets.domain.identity import fold

NAMES = {
    "AT": "austria österreich oesterreich autriche oostenrijk aut",
    "AU": "australia australien australie aus",
    "BE": "belgium belgien belgique belgië bélgica bel",
    "CA": "canada kanada can",
    "CH": "switzerland schweiz suisse svizzera suiza zwitserland che",
    "CZ": "czechia tschechien tchéquie chequia cze",
    "DE": "germany deutschland allemagne alemania germania duitsland deu ger",
    "DK": "denmark dänemark danemark dinamarca danimarca denemarken danmark dnk",
    "ES": "spain spanien espagne españa spagna spanje esp",
    "FI": "finland finnland finlande finlandia suomi fin",
    "FR": "france frankreich francia frankrijk fra",
    "GB": "uk gb england scotland wales gbr großbritannien royaume-uni",
    "IE": "ireland irland irlande irlanda ierland éire irl",
    "IT": "italy italien italie italia italië ita",
    "LU": "luxembourg luxemburg lussemburgo lux",
    "NL": "netherlands niederlande pays-bas nederland holland nld",
    "NO": "norway norwegen norvège noruega norvegia noorwegen norge nor",
    "NZ": "neuseeland nzl",
    "PL": "poland polen pologne polonia polska pol",
    "PT": "portugal portogallo prt",
    "SE": "sweden schweden suède suecia svezia zweden sverige swe",
    "US": "usa us america",
    "AR": "argentina",
    "BG": "bulgaria",
    "BR": "brazil brasil",
    "CL": "chile",
    "CN": "china",
    "CO": "colombia",
    "CY": "cyprus",
    "EE": "estonia eesti",
    "GR": "greece",
    "HR": "croatia hrvatska",
    "HU": "hungary magyarország",
    "IL": "israel",
    "IN": "india",
    "IS": "iceland ísland",
    "JM": "jamaica",
    "JP": "japan",
    "LT": "lithuania",
    "LV": "latvia",
    "MT": "malta",
    "MX": "méxico",
    "MY": "malaysia",
    "RO": "romania",
    "RU": "russia",
    "SG": "singapore",
    "SI": "slovenia",
    "SK": "slovakia",
    "TR": "turkey türkiye",
    "UA": "ukraine",
}
PHRASES = {
    "united kingdom": "GB",
    "great britain": "GB",
    "northern ireland": "GB",
    "vereinigtes konigreich": "GB",
    "new zealand": "NZ",
    "czech republic": "CZ",
    "the netherlands": "NL",
    "united states": "US",
    "united states of america": "US",
    "vereinigte staaten": "US",
    "etats unis": "US",
    "royaume uni": "GB",
    "pays bas": "NL",
    "republic of korea": "KR",
    "south korea": "KR",
    "south africa": "ZA",
    "u k": "GB",
    "u s": "US",
    "u s a": "US",
}
CODES = PHRASES | {fold(name): code for code, names in NAMES.items() for name in names.split()}
ALPHA_2_LENGTH = 2


def country_code(text: str) -> str:
    """Return the alpha-2 code that ``text`` states, or empty text where it states none that is known here."""
    known = CODES.get(fold(text), "")
    if known:
        return known
    code = text.strip().upper()
    return code if len(code) == ALPHA_2_LENGTH and code.isascii() and code.isalpha() else ""
