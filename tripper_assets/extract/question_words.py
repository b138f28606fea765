"""The words by which a question states filters in six languages, and those that say nothing of what is looked for."""

import re

CHILDHOOD = 18
FREE = re.compile(
    r"(?<![\w-])(?:for free|free(?: of charge| entry| admission)?|kostenlose?[snrm]?|kostenfreie?[snrm]?|gratis|umsonst|eintritt frei"
    r"|gratuite?s?|gratuitement|gratuit[oa]s?|gratuitamente|senza pagare|entr[ée]e libre|entrada libre)(?![\w-])",
    re.IGNORECASE,
)
AT_MOST = re.compile(
    r"(?<!\w)(?:under|below|less than|cheaper than|up to|at most|max(?:imum)?\.?|unter|bis(?: zu)?|höchstens|maximal|weniger als|für|for|moins de|jusqu['’]à"
    r"|au plus|pour|menos de|hasta|como máximo|por|meno di|fino a|al massimo|onder|tot|hoogstens|minder dan|voor)\s{1,3}$",
    re.IGNORECASE,
)
AT_LEAST = re.compile(
    r"(?<!\w)(?:over|above|more than|from|ab|über|mehr als|plus de|à partir de|dès|más de|desde|più di|da|meer dan|vanaf)\s{1,3}$",
    re.IGNORECASE,
)
ONE_AGE = re.compile(
    r"(?<![\w.,:/-])(?P<age>\d{1,2})[\s-]?(?:(?P<years>years?[\s-]?olds?|yrs?[\s-]?olds?|y/?o|jährigen?r?|jahre alt|ans|años|anni|jarigen?|jaar(?: oud)?)"
    r"|(?P<months>months?[\s-]?olds?|monate alt|mois|meses|mesi|maanden(?: oud)?))(?!\w)"
    r"|(?<!\w)(?:aged?|age of|im alter von|alter|âge|edad|età|leeftijd)\s(?P<aged>\d{1,2})(?![\w.,:/-]|\s?[-–])",
    re.IGNORECASE,
)
AUDIENCES: dict[tuple[float, float], str] = {
    (
        0,
        1,
    ): "babies baby infants newborns babys säuglinge säugling bébés bébé bebés bebé neonati neonato baby's zuigelingen",
    (1, 3): "toddlers toddler kleinkinder kleinkind kleinkindern tout-petits tout-petit peuters peuter",
    (3, 6): "preschoolers preschooler kindergartenkinder kindergartenkind vorschulkinder kleuters kleuter",
    (
        13,
        17,
    ): "teenagers teenager teens teen jugendliche jugendlichen ados ado adolescents adolescent adolescentes adolescente adolescenti tieners tiener",
}
"""Ages in years, and who is of them."""
AUDIENCE_AGES = {word: ages for ages, words in AUDIENCES.items() for word in words.split()}
AUDIENCE = re.compile(
    rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, AUDIENCE_AGES), key=len, reverse=True))})(?![\w-])", re.IGNORECASE
)
WEEKEND = re.compile(
    r"(?<!\w)(?:(?P<next>next|nächste[sn]?|kommende[sn]?|le prochain|prochain|el próximo|próximo|il prossimo|prossimo|volgend|komend)\s)?"
    r"(?:(?:this|on|at|over|the|dieses|diesem|am|an|übers|ce|le|les|este|el|questo|nel|il|dit|in het|het)\s){0,2}"
    r"(?:weekend|week-end|wochenende|fin de semana|fine settimana|weekeinde)(?:\s(?P<after>prochain|próximo|prossimo|que viene))?(?!\w)",
    re.IGNORECASE,
)
IN_MONTH = re.compile(
    r"(?<!\w)(?:in|im|during|en|au mois de|au mois d['’]|durante|a|ad|nel mese di|nel)\s?(?:next\s)?(?P<month>[^\W\d_]{3,10})(?:\s(?:de\s)?(?P<year>20\d\d))?(?!\w)",
    re.IGNORECASE,
)
_KM = r"(?P<km>\d{1,3})\s?(?P<unit>km|kilomet(?:er|re)s?|kilometern|kilomètres|kilómetros|chilometri|miles?|mi)(?!\w)"
_STRONG = (
    r"close to|near(?: to)?|nearby|around|in der nähe von|in der naehe von|nähe|nahe(?: bei)?|rund um|bei|um|près de|près d['’]|autour de|autour d['’]|aux environs de|cerca de"
    r"|alrededor de|vicino a|nei dintorni di|in de buurt van|rond|bij"
)
_WEAK = r"in|à|a|en|au|ad|te"
PLACE = re.compile(
    rf"(?<!\w)(?:(?:within|innerhalb von|im umkreis von|in einem umkreis von|dans un rayon de|à moins de|en un radio de|a menos de|entro|binnen)\s{_KM}\s"
    r"(?:of|from|around|um|von|bei|de|d['’]|autour de|da|di|van|rond)\s?"
    rf"|(?P<strong>{_STRONG})\s?|(?P<weak>{_WEAK})\s)(?=[^\W\d_])",
    re.IGNORECASE,
)
MILE_KM = 1.609344
TOWN_WORD = re.compile(r"[^\W\d_](?:[\w'’.]|-(?=\w))*")
LANGUAGE = re.compile(
    r"(?<!\w)(?:in|auf|en|in het|in lingua)\s(?P<name>english|german|french|spanish|italian|dutch|deutsch|englisch|französisch|spanisch|italienisch"
    r"|niederländisch|français|anglais|allemand|espagnol|italien|néerlandais|español|inglés|alemán|francés|italiano|inglese|tedesco|francese"
    r"|spagnolo|nederlands|engels|duits|frans)(?!\w)",
    re.IGNORECASE,
)
_LANGUAGE_NAMES = {
    "en": "english englisch anglais inglés inglese engels", "de": "german deutsch allemand alemán tedesco duits",
    "fr": "french französisch français francés francese frans", "es": "spanish spanisch espagnol español spagnolo",
    "it": "italian italienisch italien italiano", "nl": "dutch niederländisch néerlandais nederlands",
}  # fmt: skip
LANGUAGE_TAGS = {name: tag for tag, names in _LANGUAGE_NAMES.items() for name in names.split()}
# What is left hanging where a filter was taken out of the sentence.
HANGING = frozenset(
    [
        "on",
        "at",
        "in",
        "near",
        "for",
        "from",
        "to",
        "the",
        "a",
        "an",
        "of",
        "this",
        "next",
        "with",
        "by",
        "and",
        "or",
        "around",
        "within",
        "until",
        "um",
        "am",
        "im",
        "an",
        "auf",
        "bei",
        "für",
        "mit",
        "von",
        "vom",
        "zu",
        "zum",
        "zur",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "ab",
        "bis",
        "und",
        "oder",
        "nähe",
        "pour",
        "le",
        "la",
        "les",
        "de",
        "du",
        "des",
        "d",
        "à",
        "au",
        "aux",
        "en",
        "dans",
        "ce",
        "cette",
        "près",
        "et",
        "ou",
        "dès",
        "jusqu",
        "el",
        "los",
        "las",
        "del",
        "al",
        "con",
        "para",
        "por",
        "y",
        "o",
        "cerca",
        "il",
        "lo",
        "gli",
        "i",
        "di",
        "da",
        "dal",
        "nel",
        "nella",
        "per",
        "e",
        "vicino",
        "het",
        "een",
        "van",
        "op",
        "voor",
        "te",
        "tot",
        "met",
        "bij",
    ]
)
FILLERS = re.compile(
    r"(?<!\w)(?:what (?:can|could|should) (?:we|i|you) do|what(?:'s| is) on|what to do|things? to do|things?|something|anything|stuff|activities|events?|ideas|places? to go"
    r"|was (?:kann|können) (?:man|wir|ich) (?:machen|unternehmen|tun)|was ist los|was tun|etwas|irgendwas|aktivitäten|veranstaltungen?|ideen"
    r"|que faire|qu['’]est-ce qu['’]on peut faire|quelque chose|activités?|sorties?|idées|qué hacer|algo|actividades|planes|cosa fare|qualcosa|attività|idee"
    r"|wat (?:kunnen|kan) (?:we|ik) doen|wat te doen|iets|activiteiten|evenementen"
    r"|(?:for|with) (?:the |my |our )?(?:kids|children|child|family|families)|(?:für|mit) (?:den |die |meine[nr]? |unsere[nr]? )?(?:kindern?|kids|familien?)"
    r"|(?:pour|avec) (?:les |des |mes |nos )?(?:enfants|famille|familles)|(?:para|con) (?:los )?niños|(?:per|con) (?:i )?bambini|(?:voor|met) (?:de )?kinderen)(?!\w)",
    re.IGNORECASE,
)
SMALL_WORDS = {
    "en": "for near in the on this with and things kids children free under from to do what at of around within year old a",
    "de": "für in der die das am mit und bei nahe kinder kostenlos heute im umkreis unter ab was zum nähe von auf jährige",
    "fr": "pour près de le la les dans ce cette à au avec et enfants gratuit autour du des moins ans un une",
    "es": "para cerca de el los las en este con y niños gratis hasta del al años una",
    "it": "per vicino a il lo gli nel questo con e bambini gratis fino del dai anni una di",
    "nl": "voor bij in het de dit met en kinderen gratis tot van vanaf jaar een op",
}
"""Words that tell in which language a question is asked."""
SMALL_WORDS_OF = {tag: frozenset(words.split()) for tag, words in SMALL_WORDS.items()}
