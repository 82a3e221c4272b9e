"""The ``en`` profile: spoken and written forms of the same English become the same tokens.

Numbers that are spoken are turned into digits by the text2num library; everything around them (money, percent, years,
telephone numbers, signs) is settled here. Runs of digits are joined on both sides, because "nineteen eighty four",
"19 84" and "1984", or "five five five" and "555", cannot be told apart by ear. "one", "first" and "second" always
become digits, on both sides, so that no guess about pronouns or units of time is needed.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from text_to_num import alpha2digit

from evalkit.scoring.spelling import american

_TAG = re.compile(r"\[[^\[\]]*\]|<[^<>]*>|\u266a")
_ASIDE = re.compile(
    r"\((?:[\w\s]*\b)?(?:laugh\w*|chuckl\w*|music\w*|applause|noise\w*|inaudible|unintelligible|silence|cough\w*|sigh\w*|"
    r"crosstalk|cross talk|static|beep\w*|breath\w*|sneez\w*|cheer\w*|ring\w*|speaking \w+|blank audio)(?:[\w\s]*)\)"
)
_FRACTIONS = {"\u00bd": " one half ", "\u00bc": " one quarter ", "\u00be": " three quarters "}
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u0060\u00b4\uff07", "'"))
MONEY = "$\u00a3\u20ac\u00a5\u20b9"

MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_MONTH = "|".join(MONTHS)
_YEAR_IN_HALVES = re.compile(rf"\b({_MONTH}) (1[5-9]|20) (\d\d)\b(?! \d\d\b)")
_MONTH_DAY = re.compile(
    rf"\b({_MONTH}) (3[01]|[12]\d|0?[1-9])(?![\w.%'])"
    r"(?! (?:percent|per cent|point|dollars?|pounds?|euros?|yen|rupees?|cents?|[ap] ?m|o'clock)\b)"
)
_DAY_MONTH = re.compile(rf"(?<![\w.{MONEY}])(?<!\d )(3[01]|[12]\d|0?[1-9]) (?=(?:of )?(?:{_MONTH})\b)")

_AMID_NUMBERS = frozenset({
    *MONTHS, "of", "a", "p", "m", "am", "pm", "oh", "o", "and", "minus", "plus", "double", "triple", "per", "cent",
    "cents", "percent", "dollar", "dollars", "pound", "pounds", "euro", "euros", "yen", "rupee", "rupees", "hundred",
    "thousand", "million", "billion", "trillion",
})  # fmt: skip
"""Words that the rules below read together with a number beside them."""
_ALPHANUMERIC = re.compile(r"\w+")

_FILLER = re.compile(r"u+h+m*|u+m+|h+m+|m{2,}|m+h+m+|e+r+|a+h+")
_WORDS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "prof": "professor",
    "jr": "junior",
    "sr": "senior",
    "vs": "versus",
    "etc": "et cetera",
    "ok": "okay",
    "alright": "all right",
    "cannot": "can not",
    "can't": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "let's": "let us",
    "y'all": "you all",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "gimme": "give me",
    "lemme": "let me",
    "kinda": "kind of",
    "sorta": "sort of",
    "twenties": "20s",
    "thirties": "30s",
    "forties": "40s",
    "fifties": "50s",
    "sixties": "60s",
    "seventies": "70s",
    "eighties": "80s",
    "nineties": "90s",
}
_SUFFIXES = (("n't", " not"), ("'re", " are"), ("'ll", " will"), ("'ve", " have"), ("'m", " am"), ("'d", " would"))
_IS = re.compile(
    r"(?:he|she|it|that|this|t?here|where|what|who|how|when|why|(?:every|some|no|any)(?:thing|one|body))'s"
)
_NUMBER_WORD = re.compile(
    r"\b(?:zero|nought|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fourty|"
    r"fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|first|second|third|fourth|fifth|sixth|seventh|"
    r"eighth|ninth|tenth|eleventh|twelfth|\w+teenth|\w+tieth|hundredth|thousandth|millionth)\b"
)
_REPEATED = re.compile(r"\b(double|triple) (\d)\b")
_BARE_POINT = re.compile(r"(?:^|\b(?:zero|minus|plus) )point \d")
_OH = re.compile(r"\boh? ")
_OH_AFTER_DIGIT = re.compile(r"(?<=\d)(?: (?:oh|o))+(?= \d)")
_OH_BEFORE_DIGITS = re.compile(r"(?<![\w.])(?:(?:oh|o) )+(?=\d(?: \d)+\b|\d\b(?= \d))")
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FRACTION_OF_SCALE = re.compile(r"(\d+\.\d+) (1000(?:000)*)\b")
_SCALED = re.compile(r"(?<![\w.])([" + MONEY + rf"]?)(\d+(?:\.\d+)?) ({'|'.join(_SCALES)})\b")
_CURRENCY = {
    "dollar": "$",
    "dollars": "$",
    "pound": "\u00a3",
    "pounds": "\u00a3",
    "euro": "\u20ac",
    "euros": "\u20ac",
    "yen": "\u00a5",
    "rupee": "\u20b9",
    "rupees": "\u20b9",
}
_SUM = re.compile(rf"(?<![\w.{MONEY}])(\d+(?:\.\d+)?) (dollars?|pounds?|euros?|yen|rupees?)\b")
_SUM_SAID_TWICE = re.compile(rf"([{MONEY}]\d+(?:\.\d+)?) (?:dollars?|pounds?|euros?|yen|rupees?)\b")
_CENTS_TOO = re.compile(r"([$\u20ac]\d+)(?: and)? (\d{1,2}) cents?\b")
_CENTS = re.compile(r"(?<![\w.$\u20ac])(\d{1,2}) cents?\b")


class SpacedPunctuation(dict[int, str]):
    """A ``str.translate`` table that turns all but letters, combining marks, digits and ``keep`` into spaces."""

    def __init__(self, keep: str) -> None:
        super().__init__((ord(char), char) for char in keep)

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = char if unicodedata.category(char)[0] in "LMN" else " "
        return self[code]


_PUNCTUATION = SpacedPunctuation(keep="'.%" + MONEY)
_PUNCTUATION_ALONE = SpacedPunctuation(keep="'")
_DIGIT = re.compile(r"\d")
_BRACKET = re.compile(r"[\[(<]")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}")
QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")


@functools.lru_cache(maxsize=1 << 10)
def fold(text: str) -> str:
    """Composed, case folded, apostrophes straight, without bracketed remarks such as [noise] or (laughs)."""
    if text.isascii() and not _BRACKET.search(text):
        return text.replace("`", "'").lower()
    for char, spoken in _FRACTIONS.items():
        text = text.replace(char, spoken)
    folded = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    return _ASIDE.sub(" ", _TAG.sub(" ", folded))


def tokens(text: str) -> tuple[str, ...]:
    """The tokens of the ``en`` profile."""
    return tuple(map(american, _numbers(_plain_words(_written_numbers(fold(text))))))


def _written_numbers(text: str) -> str:
    """Signs and symbols that belong to numbers are kept or spoken; all other punctuation becomes a space."""
    text = text.replace("\u2212", "-").replace("e-mail", "email").replace("&", " and ").replace("\u00b0", " degrees ")
    if not _DIGIT.search(text):
        return _without_digits(text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(
        r"(?<![\w%.)])([-+])(?=[" + MONEY + r"]?\.?\d)", lambda sign: " minus " if sign[1] == "-" else " plus ", text
    )
    text = re.sub(r"#(?=\d)", " number ", text)
    text = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), text)
    text = re.sub(r"(\d):00\b", r"\1", text).replace("\u00a2", " cents ")
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = text.translate(_PUNCTUATION)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", text)
    text = re.sub(r"\s*%", " percent ", text)
    text = re.sub(rf"([{MONEY}])\s*(?=\d)", r" \1", text)
    text = re.sub(rf"[{MONEY}](?!\d)", " ", text)
    text = re.sub(r"(\d0)'s\b", r"\1s", text)
    return QUOTE.sub(" ", text)


def _without_digits(text: str) -> str:
    """The same where no digit is written, which is most texts: less can happen, and sooner."""
    if text.count(".") > 1:
        text = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), text)
    text = text.replace("\u00a2", " cents ").replace("%", " percent ").translate(_PUNCTUATION_ALONE)
    return QUOTE.sub(" ", text) if "'" in text else text


def _plain_words(text: str) -> str:
    """Contractions, titles and short forms in full, fillers left out; possessives are left alone."""
    if "'s" in text:
        text = re.sub(r"\b(it|he|she|that|there|who|what)'s (?=been\b|got\b)", r"\1 has ", text)
    return " ".join(filter(None, map(_without_fillers, text.split())))


@functools.lru_cache(maxsize=1 << 16)
def _without_fillers(word: str) -> str:
    return " ".join(part for part in _in_full(word).split() if not _FILLER.fullmatch(part))


def _in_full(word: str) -> str:
    end = ""
    # No recursion: a recogniser that has gone wrong says one suffix a thousand times.
    while word not in _WORDS and (cut := next((one for one in _SUFFIXES if _ends(word, one[0])), None)):
        word, end = word.removesuffix(cut[0]), cut[1] + end
    if word not in _WORDS and _IS.fullmatch(word):
        word = word[:-2] + " is"
    return _WORDS.get(word, word) + end


def _ends(word: str, suffix: str) -> bool:
    return word.endswith(suffix) and len(word) > len(suffix)


def _numbers(text: str) -> Sequence[str]:
    """The tokens of a text, every number as digits, in one way whichever way it was written or said.

    No rule reaches over a word that has no part in numbers, so that most of a text needs none and the rest is short.
    """
    if _DIGIT.search(text):
        text = _scaled(text)
    words = text.split()
    places = list(map(_near_numbers, words))
    spoken = any(map(_says_number, itertools.compress(words, places)))
    if "point" in words:  # the only word that means something else where a text begins
        return _number(text, spoken).split()
    runs = itertools.groupby(words, _near_numbers)
    made = (_number(" ".join(run), spoken).split() if near else run for near, run in runs)
    return list(itertools.chain.from_iterable(made))


@functools.lru_cache(maxsize=1 << 16)
def _near_numbers(word: str) -> bool:
    """Whether a word is a number or may be read together with one beside it."""
    if _DIGIT.search(word) or _says_number(word) or not _AMID_NUMBERS.isdisjoint(_ALPHANUMERIC.findall(word)):
        return True
    amid: str = alpha2digit(f"{word} twenty {word} two hundred {word} two {word}", "en", threshold=0)
    return amid != f"{word} 20 {word} 200 {word} 2 {word}"


@functools.lru_cache(maxsize=1 << 14)
def _number(text: str, spoken: bool) -> str:
    """The same for words that are all near numbers; each rule is tried only where it finds what it cannot do without.

    Args:
        text: the words.
        spoken: whether any word of the whole text says a number and is no scale after digits.
    """
    if spoken:
        text = _in_digits(text)
    if not _DIGIT.search(text):
        return text
    text = _scaled(text)
    if "double " in text or "triple " in text:
        text = _REPEATED.sub(lambda found: " ".join(found[2] * (2 if found[1] == "double" else 3)), text)
    if "point " in text:
        text = re.sub(r"(\d) point (?:oh|o)\b(?!')", r"\1.0", text)
        text = re.sub(r"\bpoint (\d)", r"0.\1", text) if _BARE_POINT.search(text) else text
    if _OH.search(text):
        for zeros in (_OH_AFTER_DIGIT, _OH_BEFORE_DIGITS):
            text = zeros.sub(lambda found: found[0].replace("oh", "0").replace("o", "0"), text)
    if " m" in text:
        text = re.sub(r"\b(\d+) ([ap]) m\b", r"\1 \2m", text)
    text = _joined(_days(text))
    if " per" in text:
        text = re.sub(r"(\d) per ?cent\b", r"\1%", text)
    return _money(text)


@functools.lru_cache(maxsize=1 << 16)
def _says_number(word: str) -> bool:
    return _NUMBER_WORD.search(word) is not None


def _in_digits(text: str) -> str:
    """Spoken numbers as digits."""
    if any(scale in text for scale in _SCALES):
        text = re.sub(r"\ba (?=(?:hundred|thousand|million|billion)\b)", "one ", text)
        # The library reads "thousands of people" as 1000 of people.
        text = re.sub(r"\b(hundred|thousand|million|billion)s\b", r"\1_s", text)
    text = alpha2digit(text, "en", threshold=0).replace("_s", "s")
    return _FRACTION_OF_SCALE.sub(lambda found: _plain(Decimal(found[1]) * int(found[2])), text)


def _days(text: str) -> str:
    """The day of a month as an ordinal, or it would be joined to the year: ``april 20 2026`` is said "twentieth"."""
    if not any(month in text for month in MONTHS):
        return text
    text = _YEAR_IN_HALVES.sub(r"\1 \2\3", text)
    text = _MONTH_DAY.sub(lambda found: f"{found[1]} {_ordinal(int(found[2]))}", text)
    return _DAY_MONTH.sub(lambda found: f"{_ordinal(int(found[1]))} ", text)


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number in (11, 12, 13) else endings.get(number % 10, 'th')}"


def _scaled(text: str) -> str:
    """``5 million`` as 5000000, until nothing changes."""
    while any(scale in text for scale in _SCALES):
        again = _SCALED.sub(lambda found: found[1] + _plain(Decimal(found[2]) * _SCALES[found[3]]), text)
        if again == text:
            break
        text = again
    return text


def _plain(number: Decimal) -> str:
    """A decimal without exponent; a whole one without a point."""
    return str(int(number)) if number == int(number) else format(number.normalize(), "f")


def _joined(text: str) -> str:
    """Neighbouring runs of digits as one: ``19 84``, ``5 5 5`` and ``9 30`` are read like 1984, 555 and 930."""
    joined: list[str] = []
    for word in text.split():
        if joined and joined[-1].isdecimal() and (word.isdecimal() or re.fullmatch(r"\d0s", word)):
            joined[-1] += word
        else:
            joined.append(word)
    return " ".join(joined)


def _money(text: str) -> str:
    """``twenty one dollars and fifty cents`` and ``$21.50`` as $21.50; ``$3.00`` as $3; ``50 cents`` as $0.50."""
    if any(name in text for name in _CURRENCY):
        text = _SUM.sub(lambda found: _CURRENCY[found[2]] + found[1], text)
        text = _SUM_SAID_TWICE.sub(r"\1", text)
    if "cent" in text:
        text = _CENTS_TOO.sub(lambda found: f"{found[1]}.{int(found[2]):02d}", text)
        text = _CENTS.sub(lambda found: f"$0.{int(found[1]):02d}", text)
    if any(sign in text for sign in MONEY):
        text = re.sub(rf"([{MONEY}]\d+)\.0+(?!\d)", r"\1", text)
        text = re.sub(rf"([{MONEY}]\d+\.\d)(?!\d)", r"\g<1>0", text)
    return text
