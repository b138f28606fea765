"""The words that state dates in six languages, each with the one-letter kind that the grammar of dates is written in."""

import unicodedata
from functools import cache

# Kinds: M month, W weekday, R day relative to now, c number word, o ordinal suffix, j day, w week, e weekend, m month (the unit),
# Y year (the unit), Q quarter, N next, L last, T this, t to, f from, a and, p filler, i in, g ago, l later, E earlier,
# B end, b begin, r rest, G after, H before, u now, X on or around, v date (as in year to date). The letters for numbers and signs are made in dates.py.
Word = tuple[str, int]

MONTHS = {
    "en": "january jan,february feb,march mar,april apr,may,june jun,july jul,august aug,september sept sep,october oct,"
    "november nov,december dec",
    "de": "januar jan janner,februar feb,marz mrz,april apr,mai,juni jun,juli jul,august aug,september sept sep,"
    "oktober okt,november nov,dezember dez",
    "fr": "janvier janv jan,fevrier fevr fev,mars,avril avr,mai,juin,juillet juil,aout,septembre sept sep,octobre oct,"
    "novembre nov,decembre dec",
    "es": "enero ene,febrero feb,marzo mar,abril abr,mayo may,junio jun,julio jul,agosto ago,septiembre setiembre sept sep set,"
    "octubre oct,noviembre nov,diciembre dic",
    "it": "gennaio gen,febbraio feb,marzo mar,aprile apr,maggio mag,giugno giu,luglio lug,agosto ago,settembre sett set,"
    "ottobre ott,novembre nov,dicembre dic",
    "nl": "januari jan,februari feb,maart mrt,april apr,mei,juni jun,juli jul,augustus aug,september sept sep,oktober okt,"
    "november nov,december dec",
}
WEEKDAYS = {
    "en": "monday mon mondays,tuesday tue tues tuesdays,wednesday wed weds wednesdays,thursday thu thur thurs thursdays,"
    "friday fri fridays,saturday sat saturdays,sunday sun sundays",
    "de": "montag mo,dienstag di,mittwoch mi,donnerstag do,freitag fr,samstag sa sonnabend,sonntag so",
    "fr": "lundi lun,mardi,mercredi mer,jeudi jeu,vendredi ven,samedi sam,dimanche dim",
    "es": "lunes lun,martes,miercoles mie,jueves jue,viernes vie,sabado sab,domingo dom",
    "it": "lunedi lun,martedi,mercoledi mer,giovedi gio,venerdi ven,sabato sab,domenica dom",
    "nl": "maandag ma,dinsdag di,woensdag wo,donderdag do,vrijdag vr,zaterdag za zat,zondag zo",
}
# German and Dutch two-letter weekdays are words too ("so", "do", "die"): they count only before a date (dates.py).
NUMBERS = {
    "en": "one first,two second,three third,four fourth,five fifth,six sixth,seven seventh,eight eighth,nine ninth,ten tenth,"
    "eleven eleventh,twelve twelfth,thirteen thirteenth,fourteen fourteenth,fifteen fifteenth,sixteen sixteenth,"
    "seventeen seventeenth,eighteen eighteenth,nineteen nineteenth,twenty twentieth",
    "de": "ein eine einen einem einer eins erste ersten,zwei zweite zweiten,drei dritte dritten,vier vierte vierten,fuenf funf "
    "funfte funften,sechs sechste sechsten,sieben siebte siebten,acht achte achten,neun neunte neunten,zehn zehnte zehnten,elf "
    "elfte elften,zwolf zwolfte zwolften,dreizehn dreizehnte dreizehnten,vierzehn vierzehnte vierzehnten,funfzehn funfzehnten,"
    "sechzehn sechzehnten,siebzehn siebzehnten,achtzehn achtzehnten,neunzehn neunzehnten,zwanzig zwanzigsten",
    "fr": "un une premier premiere,deux deuxieme,trois troisieme,quatre,cinq,six,sept_,huit,neuf,dix,onze,douze,treize,quatorze,"
    "quinze,seize,dix-sept,dix-huit,dix-neuf,vingt",
    "es": "un uno una primero,dos segundo,tres tercero,cuatro,cinco,seis,siete,ocho,nueve,diez,once,doce,trece,catorce,quince,"
    "dieciseis,diecisiete,dieciocho,diecinueve,veinte,veintiuno,veintidos,veintitres,veinticuatro,veinticinco,veintiseis,"
    "veintisiete,veintiocho,veintinueve,treinta",
    "it": "un uno una primo,due secondo,tre terzo,quattro,cinque,sei,sette,otto,nove,dieci,undici,dodici,tredici,quattordici,"
    "quindici,sedici,diciassette,diciotto,diciannove,venti,ventuno,ventidue,ventitre,ventiquattro,venticinque,ventisei,"
    "ventisette,ventotto,ventinove,trenta",
    "nl": "een eerste,twee tweede,drie derde,vier vierde,vijf vijfde,zes zesde,zeven zevende,acht achtste,negen negende,tien "
    "tiende,elf elfde,twaalf twaalfde,dertien dertiende,veertien veertiende,vijftien vijftiende,zestien zestiende,zeventien "
    "zeventiende,achttien achttiende,negentien negentiende,twintig twintigste",
}
TENS = {"en": "thirty thirtieth", "de": "dreissig dreissigsten", "fr": "trente", "nl": "dertig dertigste"}
# kind, value and words; the value is days for R, and 0 where the kind says it all.
OTHERS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "en": (
        ("R", 0, "today tonight"),
        ("R", 1, "tomorrow tomorow"),
        ("R", -1, "yesterday"),
        ("o", 0, "st nd rd th"),
        ("j", 0, "day days"),
        ("w", 0, "week weeks"),
        ("e", 0, "weekend weekends"),
        ("m", 0, "month months"),
        ("Y", 0, "year years"),
        ("Q", 0, "quarter q"),
        ("N", 0, "next following coming upcoming"),
        ("L", 0, "last previous"),
        ("P", 0, "past"),
        ("T", 0, "this current"),
        ("t", 0, "to until till through thru"),
        ("f", 0, "from between starting"),
        ("a", 0, "and"),
        ("p", 0, "of the"),
        ("X", 0, "on at"),
        ("i", 0, "in within"),
        ("g", 0, "ago"),
        ("G", 0, "after later"),
        ("l", 0, "later"),
        ("E", 0, "earlier early"),
        ("B", 0, "end"),
        ("b", 0, "beginning start"),
        ("r", 0, "remaining rest remainder"),
        ("H", 0, "before"),
        ("u", 0, "now"),
        ("v", 0, "date"),
        ("k", 0, "commencing"),
        ("Z", 0, "eoy"),
        ("z", 0, "eom"),
    ),
    "de": (
        ("R", 0, "heute"),
        ("R", 1, "morgen"),
        ("R", 2, "uebermorgen ubermorgen"),
        ("R", -1, "gestern"),
        ("R", -2, "vorgestern"),
        ("j", 0, "tag tage tagen tages"),
        ("w", 0, "woche wochen"),
        ("e", 0, "wochenende wochenenden"),
        ("m", 0, "monat monate monaten monats"),
        ("Y", 0, "jahr jahre jahren jahres"),
        ("Q", 0, "quartal"),
        ("N", 0, "nachste nachsten nachster nachstes nachstem kommende kommenden kommendes kommender"),
        ("L", 0, "letzte letzten letztes letzter letztem vorige vorigen voriges vergangene vergangenen"),
        ("T", 0, "diese diesen dieses dieser diesem"),
        ("t", 0, "bis"),
        ("f", 0, "vom von zwischen ab"),
        ("a", 0, "und"),
        ("p", 0, "der die das dem den des zum zur"),
        ("X", 0, "am"),
        ("i", 0, "in im"),
        ("g", 0, "vor"),
        ("G", 0, "nach"),
        ("l", 0, "spater"),
        ("E", 0, "fruher"),
        ("B", 0, "ende"),
        ("b", 0, "anfang beginn"),
        ("r", 0, "rest"),
        ("u", 0, "jetzt"),
    ),
    "fr": (
        ("R", 0, "aujourd aujourdhui"),
        ("R", 1, "demain lendemain"),
        ("R", -1, "hier"),
        ("o", 0, "er ere eme e"),
        ("j", 0, "jour jours journee"),
        ("w", 0, "semaine semaines"),
        ("e", 0, "weekend"),
        ("m", 0, "mois"),
        ("Y", 0, "an ans annee annees"),
        ("Q", 0, "trimestre"),
        ("N", 0, "prochain prochaine prochains prochaines suivant suivante"),
        ("L", 0, "dernier derniere derniers dernieres passe passee precedent"),
        ("T", 0, "ce cet cette"),
        ("t", 0, "au jusqu a jusqu'au"),
        ("f", 0, "du entre depuis des"),
        ("a", 0, "et"),
        ("p", 0, "le la les l de d"),
        ("X", 0, "sur"),
        ("i", 0, "dans en"),
        ("B", 0, "fin"),
        ("b", 0, "debut"),
        ("r", 0, "reste"),
        ("l", 0, "tard"),
    ),
    "es": (
        ("R", 0, "hoy"),
        ("R", 1, "manana"),
        ("R", 2, "pasado"),
        ("R", -1, "ayer"),
        ("R", -2, "anteayer"),
        ("o", 0, "º ª"),
        ("j", 0, "dia dias"),
        ("w", 0, "semana semanas"),
        ("m", 0, "mes meses"),
        ("Y", 0, "ano anos"),
        ("Q", 0, "trimestre"),
        ("N", 0, "proximo proxima proximos proximas siguiente siguientes"),
        ("L", 0, "ultimo ultima ultimos ultimas pasada anterior"),
        ("T", 0, "este esta"),
        ("t", 0, "al hasta a"),
        ("f", 0, "desde entre"),
        ("a", 0, "y"),
        ("p", 0, "el la los de del"),
        ("i", 0, "en dentro"),
        ("B", 0, "fin final finales"),
        ("b", 0, "principio principios comienzo"),
        ("r", 0, "resto"),
    ),
    "it": (
        ("R", 0, "oggi"),
        ("R", 1, "domani"),
        ("R", 2, "dopodomani"),
        ("R", -1, "ieri"),
        ("o", 0, "º ª"),
        ("j", 0, "giorno giorni"),
        ("w", 0, "settimana settimane"),
        ("e", 0, "weekend"),
        ("m", 0, "mese mesi"),
        ("Y", 0, "anno anni"),
        ("Q", 0, "trimestre"),
        ("N", 0, "prossimo prossima prossimi prossime"),
        ("L", 0, "scorso scorsa scorsi ultimo ultima ultimi ultime"),
        ("T", 0, "questo questa quest"),
        ("t", 0, "al fino ad a alla"),
        ("f", 0, "dal da tra fra"),
        ("a", 0, "e"),
        ("p", 0, "il lo la l i gli del di nel della dell"),
        ("i", 0, "in entro"),
        ("g", 0, "fa"),
        ("B", 0, "fine"),
        ("b", 0, "inizio"),
        ("r", 0, "resto"),
    ),
    "nl": (
        ("R", 0, "vandaag"),
        ("R", 1, "morgen"),
        ("R", 2, "overmorgen"),
        ("R", -1, "gisteren"),
        ("R", -2, "eergisteren"),
        ("o", 0, "e ste de"),
        ("j", 0, "dag dagen"),
        ("w", 0, "week weken"),
        ("e", 0, "weekend weekeinde"),
        ("m", 0, "maand maanden"),
        ("Y", 0, "jaar jaren"),
        ("Q", 0, "kwartaal"),
        ("N", 0, "volgende komende aanstaande"),
        ("L", 0, "laatste vorige afgelopen"),
        ("T", 0, "deze dit"),
        ("t", 0, "tot tm"),
        ("f", 0, "vanaf tussen"),
        ("a", 0, "en"),
        ("p", 0, "van de het"),
        ("X", 0, "op"),
        ("i", 0, "in over binnen"),
        ("g", 0, "geleden"),
        ("G", 0, "na"),
        ("l", 0, "later"),
        ("E", 0, "eerder"),
        ("B", 0, "eind einde"),
        ("b", 0, "begin"),
        ("r", 0, "rest"),
        ("u", 0, "nu"),
        ("v", 0, "heden"),
    ),
}
SHORT_DAYS = frozenset(["mo", "di", "mi", "do", "fr", "sa", "so", "ma", "wo", "vr", "za", "zo", "sun", "sat"])
LANGUAGES = tuple(MONTHS)


def plain(word: str) -> str:
    """Return the word in lower case without accents; ß is ss."""
    lowered = word.casefold()
    if lowered.isascii():
        return lowered
    return "".join(char for char in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(char))


@cache
def vocabulary(language: str) -> dict[str, Word]:
    """Return the words of a language with their kinds; English months stand in every language, "" has all months and weekdays."""
    words: dict[str, Word] = {}
    if language not in MONTHS:
        for one in reversed(LANGUAGES):
            words |= _names(one, full_only=True)
        return words | _names("en") | _small_words("en")
    words |= {word: kind for word, kind in _names("en").items() if kind[0] == "M"}
    words |= _small_words(language)
    return words | _names(language)


def _names(language: str, *, full_only: bool = False) -> dict[str, Word]:
    words: dict[str, Word] = {}
    for kind, table in (("W", WEEKDAYS), ("M", MONTHS)):
        for index, names in enumerate(table[language].split(",")):
            for name in names.split()[: 1 if full_only else None]:
                words[name] = (kind, index + (kind == "M"))
    return words


def _small_words(language: str) -> dict[str, Word]:
    words: dict[str, Word] = {}
    for index, names in enumerate(NUMBERS[language].split(",")):
        words |= {name.strip("_"): ("c", index + 1) for name in names.split() if not name.endswith("_")}
    words |= dict.fromkeys(TENS.get(language, "").split(), ("c", 30))
    words |= _compounds(language)
    for kind, value, names in OTHERS[language]:
        words |= dict.fromkeys(names.split(), (kind, value))
    return words


def _compounds(language: str) -> dict[str, Word]:
    """Return German and Dutch 21 to 31 as one word, cardinal and ordinal."""
    if language not in {"de", "nl"}:
        return {}
    units = {
        "de": "ein zwei drei vier funf sechs sieben acht neun",
        "nl": "een twee drie vier vijf zes zeven acht negen",
    }[language].split()
    tens = {"de": (("zwanzig", 20), ("dreissig", 30)), "nl": (("twintig", 20), ("dertig", 30))}[language]
    joint, endings = ("und", ("", "ste", "sten", "ster")) if language == "de" else ("en", ("", "ste"))
    return {
        f"{unit}{joint}{ten}{ending}": ("c", value + index)
        for ten, value in tens
        for index, unit in enumerate(units, 1)
        for ending in endings
        if value + index <= 31  # noqa: PLR2004 (a month's days)
    }
