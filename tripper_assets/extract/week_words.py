"""The words of weekly life in six languages, each with the one-letter kind that the grammars of hours and of rules are written in."""

from functools import cache

from tripper_assets.extract.date_words import LANGUAGES, MONTHS, WEEKDAYS, Word

# Kinds of words: D one weekday, d a weekday that means all of them (Mondays, montags), s a short weekday, S a set of weekdays, A every day,
# h public holidays, V every, O other (every other), N ordinal, n number, M month name, m month, w week, j day, F every so many weeks,
# E before a weekday: every other, B behind it: every other, y monthly, t to or at, f from, a and, p filler, i between, l article that may make a weekday
# mean all of them, L one that does, x except, c closed, b break, q at, o open, e part of the day, T time of day, g this or next, r not.
# The kinds of numbers and signs are made in week_tokens.py: n, N, T, X a date, P money, and - , / ( ) : . ; as themselves.
WEEKEND, WORKDAYS, SIX_DAYS, ALL_DAYS, SUNDAY = 0b1100000, 0b0011111, 0b0111111, 0b1111111, 0b1000000
NOON, MIDNIGHT = 720, 1440
LAST = -1

_PARTS = {
    "de": "vormittag nachmittag abend morgen fruh mittag",
    "nl": "ochtend morgen middag namiddag avond",
}
_WORDS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "en": (
        ("A", ALL_DAYS, "daily|everyday|every day|each day|7 days a week|seven days a week|all week|all days"),
        ("S", WORKDAYS, "weekday|weekdays|week days|school days|schooldays|working days"),
        ("S", WEEKEND, "weekend|weekends"),
        ("h", 0, "bank holiday|bank holidays|public holiday|public holidays|holidays|bank hols"),
        ("V", 0, "every|each|weekly"),
        ("O", 2, "other"),
        ("N", 1, "first"), ("N", 2, "second"), ("N", 3, "third"), ("N", 4, "fourth"), ("N", 5, "fifth"), ("N", LAST, "last"),
        ("n", 2, "two"), ("n", 3, "three"), ("n", 4, "four"), ("n", 6, "six"),
        ("m", 0, "month|months"), ("w", 0, "week|weeks"), ("j", 0, "day|days"), ("y", 0, "monthly"),
        ("F", 2, "fortnightly|fortnight|biweekly|bi weekly|alternate weeks"),
        ("E", 2, "alternate|alternating"),
        ("t", 1, "to|until|till|til|through|thru|up to"), ("f", 0, "from|starting|beginning"), ("i", 0, "between"),
        ("a", 0, "and|plus"), ("p", 0, "on|of|the|in|a|during"), ("q", 0, "at"), ("g", 0, "this|next|following"),
        ("x", 0, "except|excluding|exc|excl|apart from|but not"), ("r", 0, "not|no"), ("c", 0, "closed|shut|closes all day"),
        ("b", 0, "lunch|lunch break"), ("o", 0, "open|opening|opens|hours|times|desk|office"),
        ("e", 0, "morning|afternoon|evening|night"), ("e", 1, "mornings|afternoons|evenings|nights"),
        ("T", NOON, "noon|midday"), ("T", MIDNIGHT, "midnight"),
    ),
    "de": (
        ("A", ALL_DAYS, "taglich|taeglich|jeden tag|alle tage|an allen tagen"),
        ("S", SIX_DAYS, "werktags|werktag|werktage|werktagen|werktaglich|wochentags"),
        ("S", WORKDAYS, "unter der woche"),
        ("S", WEEKEND, "wochenende|wochenenden|wochenends"),
        ("S", SUNDAY, "sonn und feiertags|sonn und feiertage|sonn und feiertagen|sonn u feiertage|sonn und feiertag"),
        ("h", 0, "feiertag|feiertage|feiertags|feiertagen|ft"),
        ("V", 0, "jeden|jede|jeder|jedes|jedem|immer|wochentlich|alle|jeweils"),
        ("O", 2, "anderen"),
        ("N", 1, "erste|ersten|erster|erstes"), ("N", 2, "zweite|zweiten|zweiter"), ("N", 3, "dritte|dritten|dritter"),
        ("N", 4, "vierte|vierten|vierter"), ("N", 5, "funfte|funften"), ("N", LAST, "letzte|letzten|letzter|letztes"),
        ("n", 2, "zwei"), ("n", 3, "drei"), ("n", 4, "vier"), ("n", 6, "sechs"), ("n", 14, "vierzehn"),
        ("m", 0, "monat|monats|monate"), ("w", 0, "woche|wochen"), ("j", 0, "tag|tage|tagen"), ("y", 0, "monatlich"),
        ("F", 2, "vierzehntagig|vierzehntaglich|zweiwochentlich|vierzehntagiger|zweiwochiger"), ("F", 3, "dreiwochentlich"),
        ("F", 4, "vierwochentlich"),
        ("t", 1, "bis|bis zum|bis einschliesslich"), ("f", 0, "von|vom|ab"), ("i", 0, "zwischen"), ("a", 0, "und|u|sowie"),
        ("p", 0, "am|im|der|die|das|den|des|dem|in|an|zum|einen"), ("q", 0, "um|gegen"),
        ("g", 0, "diesen|dieses|nachsten|nachstes|kommenden|kommendes"),
        ("x", 0, "ausser|ausgenommen|mit ausnahme"), ("r", 0, "nicht|kein"),
        ("c", 0, "geschlossen|ruhetag|zu|schliesstag|ruhetage"), ("b", 0, "mittagspause|pause|mittags geschlossen"),
        ("o", 0, "geoffnet|offen|offnungszeiten|offnungszeit|kasse|kassenzeiten|burozeiten|sprechzeiten|servicezeiten"),
        ("e", 0, "vormittag|nachmittag|abend|fruh"), ("e", 1, "vormittags|nachmittags|abends|morgens|mittags"),
        ("T", MIDNIGHT, "mitternacht"), ("T", NOON, "mittag"),
    ),
    "fr": (
        ("A", ALL_DAYS, "tous les jours|chaque jour|quotidien|quotidiennement|7 jours sur 7|tlj|t l j"),
        ("S", WORKDAYS, "en semaine|la semaine|jours ouvres|jours de semaine"),
        ("S", WEEKEND, "weekend|weekends|week ends|fin de semaine"),
        ("h", 0, "jours feries|jour ferie|feries|ferie|j feries"),
        ("V", 0, "chaque|tous|toutes"), ("O", 2, "autre"),
        ("N", 1, "premier|premiere|premiers|premieres"), ("N", 2, "deuxieme|second|deuxiemes|seconds"), ("N", 3, "troisieme|troisiemes"),
        ("N", 4, "quatrieme|quatriemes"), ("N", 5, "cinquieme"), ("N", LAST, "dernier|derniere|derniers|dernieres"),
        ("n", 2, "deux"), ("n", 3, "trois"), ("n", 4, "quatre"), ("n", 6, "six"), ("n", 15, "quinze"),
        ("m", 0, "mois"), ("w", 0, "semaine|semaines"), ("j", 0, "jour|jours"), ("y", 0, "mensuel|mensuellement"),
        ("F", 2, "une semaine sur deux|bimensuel|tous les quinze jours"), ("B", 2, "sur deux"), ("B", 3, "sur trois"),
        ("t", 0, "au|a"), ("t", 1, "jusqu a|jusqu au"), ("f", 0, "du|de|des|a partir de|a partir du|a partir d"), ("a", 0, "et|puis|ainsi que"),
        ("p", 0, "la|d|en|un|une|l|ce|au mois"), ("l", 0, "le"), ("L", 0, "les"), ("q", 0, "vers|h"), ("i", 0, "entre"),
        ("g", 0, "prochain|prochaine|ce"),
        ("x", 0, "sauf|excepte|hormis|hors"), ("r", 0, "pas"),
        ("c", 0, "ferme|fermee|fermes|fermees|fermeture|fermetures"), ("b", 0, "pause|pause dejeuner|pause meridienne"),
        ("o", 0, "ouvert|ouverte|ouverts|ouverture|ouvertures|horaires|horaire|accueil|billetterie|nocturne"),
        ("e", 0, "matin|apresmidi|apres midi|soir"), ("e", 1, "matins|soirs|apres midis"),
        ("T", NOON, "midi"), ("T", MIDNIGHT, "minuit"),
    ),
    "es": (
        ("A", ALL_DAYS, "todos los dias|cada dia|a diario|diariamente|diario|los 7 dias de la semana|7 dias a la semana|los siete dias de la semana"),
        ("S", WORKDAYS, "entre semana|laborables|dias laborables|dias lectivos|laborable"),
        ("S", WEEKEND, "fin de semana|fines de semana|finde|findes"),
        ("h", 0, "festivos|festivo|dias festivos|vispera de festivo|visperas de festivo"),
        ("V", 0, "todos|todas|cada|semanalmente|semanal"), ("O", 2, "otro"),
        ("N", 1, "primer|primero|primera|primeros|primeras"), ("N", 2, "segundo|segunda|segundos"), ("N", 3, "tercer|tercero|tercera|terceros"),
        ("N", 4, "cuarto|cuarta|cuartos"), ("N", 5, "quinto"), ("N", LAST, "ultimo|ultima|ultimos"),
        ("n", 2, "dos"), ("n", 3, "tres"), ("n", 4, "cuatro"), ("n", 6, "seis"), ("n", 15, "quince"),
        ("m", 0, "mes|meses"), ("w", 0, "semana|semanas"), ("j", 0, "dia|dias"), ("y", 0, "mensual|mensualmente"),
        ("F", 2, "quincenal|quincenalmente|semanas alternas|semana si semana no|cada quincena"),
        ("B", 2, "alternos|alternas|de cada dos|si y otro no"),
        ("t", 0, "a|al|a las|a la"), ("t", 1, "hasta|hasta las|hasta el"), ("f", 0, "de|desde|del|a partir de|a partir de las|a partir del|desde las|de las"),
        ("a", 0, "y|e"), ("p", 0, "la|el|en|por|un|una"), ("L", 0, "los"), ("q", 0, "horario"), ("i", 0, "entre|entre las"),
        ("g", 0, "este|proximo|pasado"),
        ("x", 0, "excepto|salvo|menos"), ("r", 0, "no"),
        ("c", 0, "cerrado|cerrada|cerrados|cerramos|cierra|cierre|descanso"), ("b", 0, "pausa|mediodia cerrado"),
        ("o", 0, "abierto|abierta|abre|apertura|horario|horarios|taquilla|atencion"),
        ("e", 0, "por la manana|por la tarde|por la noche|manana|tarde|noche"), ("e", 1, "por las mananas|por las tardes|tardes|mananas"),
        ("T", NOON, "mediodia"), ("T", MIDNIGHT, "medianoche"),
    ),
    "it": (
        ("A", ALL_DAYS, "tutti i giorni|ogni giorno|giornalmente|quotidianamente|7 giorni su 7|sette giorni su sette"),
        ("S", SIX_DAYS, "giorni feriali|feriali|nei feriali|giorno feriale|giorni lavorativi"),
        ("S", WEEKEND, "weekend|fine settimana|fine settimane"),
        ("h", 0, "festivi|giorni festivi|festivita|festivo|prefestivi"),
        ("V", 0, "ogni|tutti|tutte|settimanalmente"), ("O", 2, "altro"),
        ("N", 1, "primo|prima|primi|prime"), ("N", 2, "secondo|seconda|secondi"), ("N", 3, "terzo|terza|terzi"), ("N", 4, "quarto|quarta"),
        ("N", 5, "quinto|quinta"), ("N", LAST, "ultimo|ultima|ultimi|ultime"),
        ("n", 2, "due"), ("n", 3, "tre"), ("n", 4, "quattro"), ("n", 6, "sei"), ("n", 15, "quindici"),
        ("m", 0, "mese|mesi"), ("w", 0, "settimana|settimane"), ("j", 0, "giorno|giorni"), ("y", 0, "mensile|mensilmente"),
        ("F", 2, "settimane alterne|quindicinale|quindicinalmente|bisettimanale|ogni due settimane"),
        ("B", 2, "su due|si e uno no|si e una no|alterni|alterne|alternati|si e no"),
        ("t", 0, "a|al|alla|alle|all|ad"), ("t", 1, "fino a|fino al|fino alle|fino alla|sino alle"),
        ("f", 0, "dal|dalla|dalle|dall|da|a partire dal|a partire dalle"), ("a", 0, "e|ed"),
        ("p", 0, "del|della|dell|i|gli|l|nel|nei|nella|un|una|per|durante"), ("l", 0, "il|la|lo|di"), ("L", 0, "le"), ("q", 0, "ore|ora|h"), ("i", 0, "tra|fra|tra le|fra le"),
        ("g", 0, "questo|questa|prossimo|prossima|scorso"),
        ("x", 0, "tranne|escluso|esclusa|esclusi|escluse|eccetto|salvo|ad eccezione"), ("r", 0, "non"),
        ("c", 0, "chiuso|chiusa|chiusi|chiusura|riposo"), ("b", 0, "pausa|pausa pranzo"),
        ("o", 0, "aperto|aperta|aperti|apertura|aperture|orario|orari|biglietteria|visita"),
        ("e", 0, "mattina|mattino|pomeriggio|sera"), ("e", 1, "mattine|pomeriggi"),
        ("T", NOON, "mezzogiorno"), ("T", MIDNIGHT, "mezzanotte"),
    ),
    "nl": (
        ("A", ALL_DAYS, "dagelijks|elke dag|iedere dag|alle dagen|7 dagen per week|zeven dagen per week"),
        ("S", WORKDAYS, "doordeweeks|doordeweekse dagen|werkdagen|werkdag|weekdagen|door de week"),
        ("S", WEEKEND, "weekend|weekends|weekenden|weekeinde|weekeinden"),
        ("S", SUNDAY, "zon en feestdagen"),
        ("h", 0, "feestdagen|feestdag"),
        ("V", 0, "elke|elk|iedere|ieder|wekelijks|telkens"), ("O", 2, "andere"),
        ("N", 1, "eerste"), ("N", 2, "tweede"), ("N", 3, "derde"), ("N", 4, "vierde"), ("N", 5, "vijfde"), ("N", LAST, "laatste"),
        ("n", 2, "twee"), ("n", 3, "drie"), ("n", 4, "vier"), ("n", 6, "zes"), ("n", 14, "veertien"),
        ("m", 0, "maand|maanden"), ("w", 0, "week|weken"), ("j", 0, "dag|dagen"), ("y", 0, "maandelijks"),
        ("F", 2, "om de week|om de andere week|tweewekelijks|om de twee weken|om de 14 dagen|om de veertien dagen|veertiendaags"),
        ("F", 3, "om de drie weken"), ("F", 4, "om de vier weken"),
        ("E", 2, "om de andere|om de"),
        ("t", 1, "tot|tot en met|tm"), ("f", 0, "van|vanaf"), ("i", 0, "tussen"), ("a", 0, "en|alsook"),
        ("p", 0, "op|de|het|in|s|per|een|vd"), ("q", 0, "om"), ("g", 0, "deze|dit|volgende|komende|aanstaande"),
        ("x", 0, "behalve|uitgezonderd|met uitzondering van"), ("r", 0, "niet|geen"),
        ("c", 0, "gesloten|dicht|sluitingsdag"), ("b", 0, "pauze|lunchpauze|middagpauze"),
        ("o", 0, "geopend|open|openingstijden|openingsuren|kassa|balie|inloop"),
        ("e", 0, "ochtend|middag|avond"), ("e", 1, "ochtends|middags|avonds"),
        ("T", MIDNIGHT, "middernacht"), ("T", NOON, "twaalf uur s middags"),
    ),
}  # fmt: skip
_MORE_SHORT = {
    "en": "mo,tu,we,th,fr,sa,su",
    "de": "",
    "fr": "lu,ma mar,me,je jeudi_,ve,sa sam,di dim",
    "es": "l lu,m ma mar,x mi,j ju jue,v vi vie,s sa,d do",
    "it": "lu,ma mar mart,me merc,gi giov,ve,sa,do",
    "nl": "maa,din dins,woe woens,don dond,vrij,zat,zon",
}
_PLURAL_ENDS = {"en": ("s",), "de": ("s", "e", "en"), "fr": ("s",), "es": ("s",), "it": (), "nl": ("s", "en")}
_ITALIAN_PLURALS = {"sabato": "sabati", "domenica": "domeniche"}
_NOT_MONTHS = frozenset({"set"})


@cache
def words() -> dict[str, dict[str, Word]]:
    """Return each single word with its kind and value by language; weekdays are bits, Monday the lowest."""
    known: dict[str, dict[str, Word]] = {}
    for language in LANGUAGES:
        for word, kind in _single(language):
            known.setdefault(word, {}).setdefault(language, kind)
    return known


@cache
def phrases() -> dict[str, list[tuple[tuple[str, ...], str, Word]]]:
    """Return the phrases of several words by their first word, the longest first: (words, language, kind and value)."""
    known: dict[str, list[tuple[tuple[str, ...], str, Word]]] = {}
    for language in LANGUAGES:
        for kind, value, names in _WORDS[language]:
            for parts in (tuple(name.split()) for name in names.split("|") if " " in name):
                known.setdefault(parts[0], []).append((parts, language, (kind, value)))
    for rows in known.values():
        rows.sort(key=lambda row: -len(row[0]))
    return known


def _single(language: str) -> list[tuple[str, Word]]:
    found = [
        (name, (kind, value)) for kind, value, names in _WORDS[language] for name in names.split("|") if " " not in name
    ]
    for index, names in enumerate(WEEKDAYS[language].split(",")):
        found += _weekday(language, names.split(), index)
    for index, names in enumerate(filter(None, _MORE_SHORT[language].split(","))):
        found += [(name, ("s", 1 << index)) for name in names.split()]
    for index, names in enumerate(MONTHS[language].split(",")):
        found += [(name, ("M", index + 1)) for name in names.split() if name not in _NOT_MONTHS]
    return found


def _weekday(language: str, names: list[str], index: int) -> list[tuple[str, Word]]:
    """Return the forms of one weekday: its name, what means all of them, its abbreviations, and with a part of the day."""
    bit = 1 << index
    full = [name for name in names if len(name) > 5 or name in {"mardi", "lunes", "lundi", "jeudi", "jueves"}]  # noqa: PLR2004 (the shortest name of a day is known)
    full = [name for name in full if not name.endswith("days")] or names[:1]
    plural = [f"{name}{end}" for name in full for end in _PLURAL_ENDS[language]]
    plural += [_ITALIAN_PLURALS[name] for name in full if name in _ITALIAN_PLURALS]
    found = [(name, ("D", bit)) for name in full]
    found += [(name, ("d", bit)) for name in plural]
    found += [(name, ("s", bit)) for name in names if name not in full and name not in plural]
    for part in _PARTS.get(language, "").split():
        found += [(f"{name}{part}", ("D", bit)) for name in full]
        found += [(f"{name}{part}{end}", ("d", bit)) for name in full for end in ("s", "en", "e")]
    return found
