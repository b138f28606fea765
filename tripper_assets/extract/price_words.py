"""The words that go with prices in six languages: for whom they are, what makes an amount no price, and what says that something is free."""

import re

# For whom, as a page writes it before or behind the amount; the longer forms first.
WHO = (
    r"non-?\s?members?|members?|adults?|grown-ups?|child(?:ren)?|kids?|famil(?:y|ies)(?:\s(?:tickets?|pass|of (?:four|five|\d)))?|concessions?|concs?\b\.?"
    r"|students?|seniors?|oaps?|pensioners?|toddlers?|bab(?:y|ies)|infants?|siblings?|carers?|persons?|suggested donation|recommended donation"
    r"|(?:under|over)[- ]\d{1,2}s?|households?|groups?"
    r"|erwachsene[rn]?|erw\.|kind(?:er|ern)?|familien(?:karte|ticket|tageskarte|preis)|familien?|(?:ermäßigt|ermässigt)(?:e[rn]?)?|erm\.|schüler(?:innen)?"
    r"|studierende|studenten|senioren|rentner|nichtmitglieder|mitglieder|gäste|person(?:en)?|jugendliche|spendenempfehlung|gruppen?|begleitperson(?:en)?|geschwister(?:kind(?:er)?)?|azubis"
    r"|einzelkarte|tageskarte"
    r"|plein tarif|tarif (?:plein|réduit|famille|normal|unique|enfants?|adultes?|groupe)|(?:forfait|billet|pass) famille|famille|réduit|adultes?|enfants?"
    r"|non-adhérents?|adhérents?|abonnés|étudiants?|seniors?|personne|jeunes?|demandeurs d['’]emploi|participant"
    r"|(?:entrada|pack|bono|tarifa|ticket) (?:general|familiar|reducida|infantil|normal)|general|reducida|infantil|adultos?|niñ[oa]s?|familiar?|estudiantes?"
    r"|jubilados|no socios|socios|personas?|donativo sugerido|participante|mayores de \d{2}(?: años)?|alumnos?|grupos?"
    r"|biglietto (?:intero|ridotto|famiglia|unico|cumulativo)|intero|ridotto|famigli[ae]|adult[io]|bambin[io]|ragazz[io]|studenti|non soci|soci|person[ae]"
    r"|offerta (?:libera )?consigliata|over \d{2}|partecipante|gruppi"
    r"|volwassen(?:en?|e)?|kinderen|kind|gezins(?:kaart|ticket|kaartje)|gezin|familie(?:kaart|ticket)|studenten|\d{2}\+|cjp|niet-leden|leden|personen|persoon|p\.\s?p\."
    r"|vrijwillige bijdrage|museumkaart(?:houders)?|senioren|deelnemer|jongeren"
)
_YOUNG = (
    r"(?:(?:children|kids|child|kinder|jugendliche|enfants|niños|bambini|ragazzi|kinderen|jongeren)\s)?(?:aged\s)?"
    r"(?:under[- ]?(?:the age of\s)?|unter|bis(?: zu)?|moins de|-\s?(?:de)?|jusqu['’]à|menores de|hasta(?: los)?|sotto i|minori di|fino ai?|onder de|tot en met|tot|t/m|up to)"
    r"\s?\d{1,2}(?:s\b|\s?(?:years?|yrs|jahren?|j\.|ans|años|anni|jaar)\b)?"
)
_COSTLESS = r"free(?:\sof charge|\sentry|\sadmission)?|frei(?:er eintritt)?|gratis|gratuit[oae]?s?|kostenlos|kostenfrei|eintritt frei|entrada gratuita|ingresso gratuito|libero"
FREE_FOR = re.compile(
    rf"(?<!\w)(?P<who>{_YOUNG}|(?:{WHO}))\s?\)?[\s:–-]{{0,3}}(?:(?:go|get in|are|is|haben|ist|sont|hebben|è|entran|entrano)\s)?(?:{_COSTLESS})(?![\w-])"
    rf"(?!\s(?:for|für|pour|para|per|voor)\s)"
    rf"|\b(?:{_COSTLESS})(?:\s(?:entry|admission|access|eintritt|toegang))?\s?(?:(?:for|to|für|pour|para|per|voor)\s)?(?:(?:les|los|i|gli|alle)\s)?(?P<whom>{_YOUNG}|(?<=for )(?:{WHO})|(?<=für )(?:{WHO})|(?<=pour les )(?:{WHO})|(?<=para )(?:{WHO})|(?<=per i )(?:{WHO})|(?<=voor )(?:{WHO}))(?!\w)",
)
NAMED = re.compile(rf"(?<![\w-])(?:{WHO})(?!\w)")
BEHIND = re.compile(
    rf"[\s(]{{0,3}}(?:(?:per|for|pro|für|par|pour|por|para|voor|each|je|a|al|à|an|/)\s?)?(?:(?:les|los|las|gli|i|the|die|de|alle)\s)?(?P<who>{WHO})(?!\w)(?!\s?:?\s?(?:[€£$]|\d))",
)
# What was raised, won or is taken off is no price, nor what parking costs.
MULTIPLE_AFTER = re.compile(
    r"\s?(?:k\b|m\b|bn\b|million|mio\b|mrd\b|billion|millones|milioni|miljoen|millionen|off\b|rabatt|discount|de réduction|de descuento|di sconto|korting)"
)
NO_PRICE_AFTER = re.compile(
    r"\s(?:\w{1,12}\s){0,2}(?:raised|funding|grant|investment|prize|collected|gesammelt|gespendet|fördermittel|preisgeld|récoltés|collectés|de subvention"
    r"|recaudados|de premio|raccolti|di finanziamento|opgehaald|subsidie)\b",
)
NO_PRICE_BEFORE = re.compile(
    r"\b(?:save|saved?|raised?|won|grant of|worth|prize of|deposit|fine|spare[nt]?|recaudaron|recaudado|raccolto|haalden|sammelten|gesammelt|récolté|collecté|kaution|pfand|caution|fianza|cauzione|borg"
    r"|parking(?: fee| charge)?|car park|parken|parkplatz|parkgebühr\w{0,2}|stationnement|aparcamiento|parcheggio|parkeren|parkeerkosten)"
    r"\s?(?:of|is|:|costs?|kostet|kost)?\s{0,2}(?:up to\s)?$",
)
OTHER_MONEY = (
    "raise", "funding", "grant", "investment", "prize", "collect", "sammelt", "gespendet", "förder", "preisgeld", "récolt", "subvention", "recauda", "premio",
    "raccolt", "finanziamento", "haald", "subsidie", "save", "won", "worth", "deposit", "fine", "spare", "haalden", "pfand", "kaution", "caution", "fianza",
    "cauzione", "borg", "park", "parc", "stationnement", "aparcamiento",
)  # fmt: skip
"""One of these is in every text in which one of the two above finds something."""
_FREE_TO = r"admission|entry|entrance|event|of charge|to (?:attend|enter|join|visit|use)|for (?:all|everyone|everybody)|drop[- ]in|tickets?|session|activity|class"
FREE = re.compile(
    rf"\b(?:free (?:{_FREE_TO})"
    r"|(?:admission|entry|entrance|event|tickets?|attendance|price|cost)s?\s?(?:is|are|:|-|–)?\s?free\b|no (?:charge|cost\b|admission fee|entry fee)"
    r"|complimentary admission|kosten(?:los|frei)|gratis|unentgeltlich|eintritt\s?(?:ist\s)?(?::\s?)?frei|freier eintritt|ohne eintritt|kosten:\s?keine"
    r"|gratuite?s?|gratuit[ao]s?|(?:entr[ée]e|acc[eè]s)(?: est)? libre|(?:entrada|acceso) (?:es )?(?:libre|gratuit[ao])|sin cost[eo]|(?:ingresso|accesso|entrata) (?:è )?(?:liber[oa]|gratuit[oa])"
    r"|gratuitamente|senza costi|vrije (?:toegang|entree|inloop)|(?:toegang|entree) (?:is )?vrij|kosteloos)\b"
    r"|^\s{0,9}free\s{0,9}(?:$|[.!,;(–-]|but\b|and\b|with (?:booking|registration))",
)
NOT_FREE_BEFORE = re.compile(
    r"\b(?:not|kein\w{0,3}|nicht|pas|non?(?: [eè]s?)?|niet|ni|parking|parken|parkplatz|parkplätze|aparcamiento|parcheggio|parkeren|stationnement|wi-?fi|wlan|internet"
    r"|env[ií]o|nieuwsbrief|newsletter|word|start|meld je(?: dan)?|versand|livraison|spedizione|verzending|shipping|delivery|under \d+s?|unter \d+)\W{0,3}$",
)
NOT_FREE_AFTER = re.compile(
    r"(?:e[rnsm])?\W{0,3}(?:parking|parkeren|parkplatz|parkplätze|parken|wi-?fi|wlan|internet|stationnement|aparcamiento|parcheggio|shuttle|aan voor|lid\b|member\b|account|newsletter|nieuwsbrief|gift|geschenk|cadeau|download)",
)
FOR_SOME = re.compile(
    r"^\W{0,3}with (?:\w{1,12} ){0,3}(?:admission|ticket|entry|membership|purchase)|^\W{0,3}(?:for|für|pour|para|per|voor) (?!all|everyone|everybody|alle|tou|tod|tutti|iedereen)\w+"
)
