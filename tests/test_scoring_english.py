import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scoring import english
from evalkit.scoring.english import tokens


def en(said: str) -> str:
    return " ".join(tokens(said))


SAME = [
    # spoken and written numbers
    ("thirty six", "36"),
    ("thirty-six", "36"),
    ("one thousand", "1,000"),
    ("a hundred and six", "106"),
    ("two hundred thousand", "200 thousand"),
    ("two million five hundred thousand", "2,500,000"),
    ("three trillion", "3 trillion"),
    ("nineteen eighty four", "1984"),
    ("twenty twenty four", "2024"),
    ("nineteen oh five", "1905"),
    ("two thousand and one", "2001"),
    ("twelve hundred", "1200"),
    ("double five", "55"),
    ("five five five oh one four two", "555-0142"),
    ("zero five five", "oh five five"),
    ("three point five zero", "3.50"),
    ("point five", ".5"),
    ("zero point five", "0.5"),
    ("twenty four seven", "24/7"),
    ("nineteen nineties", "1990s"),
    ("the nineties", "the '90s"),
    # ordinals, "one" and "second": one rule for both sides
    ("twenty first", "21st"),
    ("the first of may", "the 1st of May"),
    ("one of them", "1 of them"),
    ("wait one second", "wait 1 second"),
    # signs
    ("minus four", "-4"),
    ("minus four", "\u22124"),
    ("minus five dollars", "-$5"),
    # money and percent
    ("twenty one dollars and fifty cents", "$21.50"),
    ("twelve hundred and fifty dollars", "$1,250"),
    ("three dollars", "$3.00"),
    ("one point two billion dollars", "$1.2 billion"),
    ("two million dollars", "$2 million"),
    ("fifty cents", "50\u00a2"),
    ("one cent", "1\u00a2"),
    ("twenty one dollars and one cent", "$21.01"),
    ("fifty per cent", "50%"),
    ("five pounds", "\u00a35"),
    ("ten euros", "\u20ac10"),
    ("twenty percent", "20%"),
    ("three point five per cent", "3.5 %"),
    # clock
    ("five o'clock", "5 o\u2019clock"),
    ("nine thirty", "9:30"),
    ("nine oh five", "9:05"),
    ("nine a m", "9:00 a.m."),
    # words
    ("it's", "it is"),
    ("it\u2019s been", "it has been"),
    ("I won't, can't, shan't", "I will not cannot shall not"),
    ("I'd've, she'll've, you shouldn't've", "I would have, she will have, you should not have"),
    ("we're gonna", "we are going to"),
    ("let's", "let us"),
    ("Mr. Smith", "mister smith"),
    ("Dr. Jones", "doctor jones"),
    ("o.k.", "okay"),
    ("e-mail", "email"),
    ("well-known", "well known"),
    ("um, so uh yes hmm mm-hmm", "so yes"),
    ("[noise] hello (laughs) there", "hello there"),
    ("the colour of the theatre", "the color of the theater"),
    ("he organised, analysed and travelled", "he organized, analyzed and traveled"),
    ("rock & roll", "rock and roll"),
]


@pytest.mark.parametrize(("said", "written"), SAME, ids=lambda text: text)
def test_one_meaning_has_one_form(said: str, written: str) -> None:
    assert en(said) == en(written) != ""


DIFFERENT = [
    ("thirty six", "3006"),
    ("five o\u2019clock", "50 clock"),
    ("minus four", "4"),
    ("the cat's toy", "the cat is toy"),
    ("fifty", "fifteen"),
    ("fifty dollars", "fifty"),
    ("four", "for"),
    ("hundreds of people", "100 of people"),
    ("one of the hundreds", "one of the 100"),
    ("can", "can't"),
    ("1.5", "15"),
    ("at this point five people", "at this 0.5 people"),
    ("wise prize", "wize price"),
]


@pytest.mark.parametrize(("said", "other"), DIFFERENT, ids=lambda text: text)
def test_different_meanings_stay_different(said: str, other: str) -> None:
    assert en(said) != en(other)


def test_exact_forms() -> None:
    """The forms themselves, where a later rewrite could shift both sides together."""
    assert en("Um, it's John's: $21.50, thirty-six percent, minus 4 at 5 o'clock") == (
        "it is john's $21.50 36% minus 4 at 5 o'clock"
    )
    assert en("the second of the two, no one") == "the 2nd of the 2 no 1"


@given(st.integers(0, 999_999))
def test_digits_survive_with_and_without_separators(number: int) -> None:
    assert en(f"{number:,}") == en(str(number)) == str(number)


WORDS = "the cat one two twenty thirty six hundred and point oh first second dollars percent um it's"
SPOKEN = st.lists(st.sampled_from(WORDS.split()), max_size=8)


@given(SPOKEN)
def test_case_and_final_stop_never_matter(words: list[str]) -> None:
    said = " ".join(words)
    assert en(said) == en(said.upper()) == en(said + ".")


DATES = [
    ("april twentieth twenty twenty six", "April 20, 2026"),
    ("april twenty twenty twenty six", "April 20 2026"),
    ("the twentieth of april", "the 20 of April"),
    ("may third nineteen eighty four", "May 3, 1984"),
    ("april nineteen eighty four", "April 1984"),
    ("twentieth april", "20 April"),
]


@pytest.mark.parametrize(("said", "written"), DATES, ids=lambda text: text)
def test_dates_are_read_as_they_are_said(said: str, written: str) -> None:
    assert en(said) == en(written)


def test_months_that_are_other_words_keep_what_follows_them() -> None:
    assert en("it may 20 percent") == "it may 20%"
    assert en("march 5 dollars") == "march $5"
    assert en("april 36") == "april 36"


@pytest.mark.parametrize("said", ["point o'clock 5 point o'clock", "5 o\u2019clock", "5 O'Clock", "five o'clock"])
def test_o_clock_is_never_a_zero(said: str) -> None:
    assert "o'clock" in en(said)
    assert "0" not in en(said)


def test_thirty_six_is_never_3006() -> None:
    assert {en(said) for said in ("thirty six", "thirty-six", "36", "Thirty Six.")} == {"36"}


NEAR = (
    "zero one two nine twelve twenty forty hundred thousand million first third twentieth fifths hundreds thousands oh "
    "double triple minus plus and a an of per cent percent cents dollars pounds april may p m am 5 05 2.5 84 1984 2nd "
    "5s $5 dollar's may's o' o nil half uh 1000"
)
FAR = "the cat's so well caf\u00e9 \u4e09 i x\u0301april never"


@given(words=st.lists(st.sampled_from(f"{NEAR} {FAR}".split()), max_size=12))
def test_no_rule_of_numbers_reaches_over_another_word(words: list[str]) -> None:
    """Piece by piece is the same as all at once."""
    text = english._scaled(" ".join(words))
    spoken = any(map(english._says_number, text.split()))
    assert list(english._numbers(" ".join(words))) == english._number(text, spoken).split()


def test_a_suffix_said_a_thousand_times_is_written_out_too() -> None:
    assert en("i" + "'ve" * 3000) == " ".join(["i", *["have"] * 3000])
