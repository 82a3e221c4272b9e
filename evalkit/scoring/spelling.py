"""British spellings in American: by rule where there is one, else word by word."""

import functools
import re

_OUR = re.compile(
    r"(arb|ard|arm|behavi|cand|clam|col|demean|endeav|fav|ferv|flav|harb|hon|hum|lab|neighb|od|parl|ranc|rum|sav|savi|"
    r"splend|succ|tum|val|vap|vig)our"
)
_RE = re.compile(r"(cent|theat|(?:kilo|centi|milli)?met|lit|fib|calib|somb|lust|spect|meag|manoeuv|sab)re(s|d)?$")
_DOUBLED = re.compile(
    r"(travel|cancel|label|model|signal|fuel|counsel|level|quarrel|dial|total|equal|marvel|channel|tunnel|jewel|wool|"
    r"panel|pencil|rival|shovel|initial|bevel|funnel)l(ed|ing|er|ers|ous|ously|en|or|ors)$"
)
_ISE_STEMS = (
    "actual|agon|alphabet|anonym|antagon|apolog|atom|author|bapt|brutal|canal|cannibal|capital|caramel|"
    "categor|cauter|central|character|civil|colon|commercial|computer|critic|crystall|custom|decentral|"
    "democrat|digit|dramat|econom|emphas|energ|equal|euthan|evangel|external|familiar|fantas|feder|"
    "fertil|final|formal|fossil|galvan|general|global|harmon|homogen|hospital|human|hypnot|ideal|idol|"
    "immobil|immun|individual|industrial|initial|institutional|internal|internation|italic|item|jeopard|"
    "legal|liberal|local|magnet|marginal|material|maxim|mechan|memor|mesmer|metabol|militar|mineral|"
    "minim|mobil|modern|monet|monopol|moral|motor|national|natural|neutral|normal|notar|optim|organ|oxid|"
    "pasteur|patron|penal|personal|plagiar|polar|politic|popular|pressur|priorit|privat|public|pulver|"
    "random|rational|real|recogn|revolution|romantic|scrutin|secular|sensit|serial|social|special|stabil|"
    "standard|steril|stigmat|subsid|summar|symbol|sympath|synchron|synthes|tantal|tempor|terror|theor|"
    "token|tranquil|traumat|trivial|union|urban|util|vandal|vapor|verbal|victim|visual|vocal|weapon|"
    "western"
)
_ISE = re.compile(
    rf"((?:[a-z]*?)(?:{_ISE_STEMS})i)s(e|ed|es|er|ers|ing|able|ation|ations|ational|ationally)$"
    r"|((?:anal|paral|catal|electrol|hydrol)y)s(e|ed|es|er|ers|ing)$"
)
_SPELLINGS = {
    "grey": "gray",
    "cheque": "check",
    "cheques": "checks",
    "programme": "program",
    "programmes": "programs",
    "tyre": "tire",
    "tyres": "tires",
    "plough": "plow",
    "sceptical": "skeptical",
    "sceptic": "skeptic",
    "pyjamas": "pajamas",
    "moustache": "mustache",
    "draught": "draft",
    "ageing": "aging",
    "judgement": "judgment",
    "acknowledgement": "acknowledgment",
    "enrol": "enroll",
    "enrolment": "enrollment",
    "fulfil": "fulfill",
    "fulfilment": "fulfillment",
    "instalment": "installment",
    "instalments": "installments",
    "skilful": "skillful",
    "wilful": "willful",
    "defence": "defense",
    "offence": "offense",
    "offences": "offenses",
    "licence": "license",
    "licences": "licenses",
    "pretence": "pretense",
    "practise": "practice",
    "practised": "practiced",
    "practising": "practicing",
    "catalogue": "catalog",
    "catalogues": "catalogs",
    "dialogue": "dialog",
    "dialogues": "dialogs",
    "analogue": "analog",
    "jewellery": "jewelry",
    "cosy": "cozy",
    "axe": "ax",
    "yoghurt": "yogurt",
    "doughnut": "donut",
    "doughnuts": "donuts",
    "anaesthetic": "anesthetic",
    "anaesthesia": "anesthesia",
    "paediatric": "pediatric",
    "foetus": "fetus",
    "encyclopaedia": "encyclopedia",
    "mediaeval": "medieval",
    "archaeology": "archeology",
    "diarrhoea": "diarrhea",
    "aeroplane": "airplane",
    "aeroplanes": "airplanes",
    "manoeuvring": "maneuvering",
    "manoeuvred": "maneuvered",
    "storey": "story",
    "storeys": "stories",
    "kerb": "curb",
    "mould": "mold",
    "smoulder": "smolder",
    "artefact": "artifact",
    "artefacts": "artifacts",
    "focussed": "focused",
    "focussing": "focusing",
    "modelling": "modeling",
    "e-mail": "email",
}


@functools.lru_cache(maxsize=1 << 16)
def american(word: str) -> str:
    """The American spelling of one lower-case word."""
    if word in _SPELLINGS:
        return _SPELLINGS[word]
    word = _OUR.sub(r"\1or", word)
    word = _DOUBLED.sub(r"\1\2", word)
    if match := _RE.match(word):
        stem = match[1].replace("manoeuv", "maneuv")
        return stem + {None: "er", "s": "ers", "d": "ered"}[match[2]]
    if match := _ISE.match(word):
        return f"{match[1] or match[3]}z{match[2] or match[4]}"
    return word
