"""Labelled facts on a page: "Wann: ...", "Price ...", in dl, tables, bold labels and plain lines, in six languages."""

import re

from tripper_assets.extract.blocks import Line
from tripper_assets.extract.date_words import plain

LABELS = {
    "when": "when,date,dates,date and time,date & time,dates and times,day,days,wann,datum,termin,termine,quand,dates et horaires,date et heure,"
    "cuando,fecha,fechas,fecha y hora,quando,data,date e orari,data e ora,wanneer,datum en tijd,event date,meeting date",
    "time": "time,times,start time,starts,uhrzeit,zeit,beginn,heure,horaire,horaires,hora,horario,orario,ora,orari,tijd,tijdstip,aanvang,meeting time",
    "where": "where,location,venue,place,address,meeting point,wo,ort,veranstaltungsort,adresse,treffpunkt,ou,lieu,donde,lugar,direccion,dove,luogo,"
    "indirizzo,sede,waar,locatie,adres,plaats,meeting location,event location",
    "age": "age,ages,age group,age range,suitable for,for ages,who,alter,altersgruppe,altersempfehlung,fur wen,age recommande,public,edad,edades,"
    "eta,leeftijd,leeftijden,recommended age",
    "price": "price,prices,cost,costs,tickets,ticket prices,admission,entry,fee,fees,entry fee,preis,preise,eintritt,eintrittspreise,kosten,gebuhr,"
    "prix,tarif,tarifs,precio,precios,entrada,prezzo,prezzi,costo,ingresso,biglietti,prijs,prijzen,toegang",
    "organizer": "organiser,organizer,organised by,organized by,hosted by,host,veranstalter,organisateur,organizador,organiza,organizzatore,"
    "organizzato da,organisator,organisatie",
    "hours": "opening hours,opening times,open,hours,offnungszeiten,geoffnet,horaires d'ouverture,horaires d ouverture,heures d'ouverture,"
    "horario de apertura,orari di apertura,orario di apertura,openingstijden,openingsuren",
    "category": "category,categories,type,kategorie,categorie,categoria",
}
_KIND = {label: kind for kind, labels in LABELS.items() for label in labels.split(",")}
# Two words that begin a line and can be nothing but a label need no colon: "Meeting Location Town Hall".
_PLAIN_LABEL = re.compile(
    r"^((?:meeting|event|hearing|class|session|workshop)\s(?:location|venue|place|date|time))s?\s+(?=(?-i:[A-Z\d]))(.*)$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^([^\W\d_][^:\n]{1,28}?)\s?[:：]\s?(.*)$")
MAX_VALUE = 300
MAX_LABELLED = 60
SHORT = 60
_LINES_BELOW = {"when": 3, "where": 3, "hours": 8}


def labelled_facts(lines: list[Line]) -> dict[str, list[str]]:
    """Return the texts that stand behind the labels of each kind, in page order."""
    facts: dict[str, list[str]] = {}
    for index, line in enumerate(lines):
        kind, value = _labelled(line)
        value = value if value or not kind else _value_below(lines, index, _LINES_BELOW.get(kind, 1))
        if kind and value:
            facts.setdefault(kind, []).append(value[:MAX_VALUE])
    return facts


def _value_below(lines: list[Line], index: int, most: int) -> str:
    """Return the lines below a label that stands alone, up to the next label or heading, ``most`` at most."""
    values: list[str] = []
    for line in lines[index + 1 : index + 1 + most]:
        if line.heading or _labelled(line)[0] or (values and (len(line.text) > SHORT or line.links)):
            break
        values.append(line.text)
    return ", ".join(value.strip(" ,") for value in values)


def labelled_lines(lines: list[Line], wanted: str) -> list[Line]:
    """Return the lines that the first label of a kind labels: its own where it states a value, else those of one element below it."""
    for index, line in enumerate(lines):
        kind, value = _labelled(line)
        if kind == wanted:
            return _together(lines[index if value else index + 1 : index + MAX_LABELLED])
    return []


def _together(lines: list[Line]) -> list[Line]:
    """One element divided by breaks, or elements of one kind below one another, up to the next label or heading."""
    found = lines[:1]
    for line in lines[1:]:
        first = found[0]
        beside = line.node.tag == first.node.tag and _parent(line) == _parent(first)
        if line.heading or _labelled(line)[0] or not (beside or line.node.mem_id == first.node.mem_id):
            break
        found.append(line)
    return found


def _parent(line: Line) -> int:
    return line.node.parent.mem_id if line.node.parent is not None else 0


def _labelled(line: Line) -> tuple[str, str]:
    """Return the kind of the label that the line begins with, and what stands behind it in the line."""
    if line.label is None:
        line.label = _read_label(line)
    return line.label


def _read_label(line: Line) -> tuple[str, str]:
    if line.node.tag == "th" and line.node.parent is not None and len(list(line.node.parent.iter())) > 2:  # noqa: PLR2004 (a label and its value)
        return "", ""  # it heads a column
    match = _LABEL.match(line.text)
    if match and label_kind(match[1]):
        return label_kind(match[1]), match[2].strip()
    if line.strong and line.text.startswith(line.strong) and label_kind(line.strong):
        return label_kind(line.strong), line.text[len(line.strong) :].lstrip(" :-–").strip()
    match = _PLAIN_LABEL.match(line.text)
    if match:
        return label_kind(match[1].split()[-1]), match[2].strip()
    return label_kind(line.text) if len(line.text) <= 30 else "", ""  # noqa: PLR2004 (a label is short)


def label_kind(text: str) -> str:
    """Return what a label labels, empty for other text; of two in one, such as "Times & Tickets", the first."""
    words = plain(text.strip().rstrip(":").strip())
    if words in _KIND or ("&" not in words and " and " not in words):
        return _KIND.get(words, "")
    kinds = [_KIND.get(part.strip(), "") for part in re.split(r"&|\band\b", words)]
    return kinds[0] if all(kinds) else ""


def is_label(line: Line) -> bool:
    """Return whether the line is, or begins with, a label."""
    return bool(_labelled(line)[0])
