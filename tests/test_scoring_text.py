import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import SettingsError
from evalkit.scoring import text
from evalkit.scoring.text import PROFILES, Profile, profile, profile_for


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("none", "  Hello,   World ", ["Hello,", "World"]),
        ("formatted", "Hello, world. Bye", ["Hello", ",", "world", ".", "Bye"]),
        ("basic", "Hello, \u2018World\u2019! [noise] (laughs) it\u2019s", ["hello", "world", "it's"]),
        ("basic", "the fee (ten dollars) is due", ["the", "fee", "ten", "dollars", "is", "due"]),
        (
            "basic",
            "\u0928\u092e\u0938\u094d\u0924\u0947 caf\u00e9",
            ["\u0928\u092e\u0938\u094d\u0924\u0947", "caf\u00e9"],
        ),
        ("basic", "x_y -- $5 & 50%", ["x", "y", "5", "50"]),
        ("basic", "", []),
        ("cjk_char", "\u4eca\u5929 \u5f88\u597d\u3002", list("\u4eca\u5929\u5f88\u597d")),
        ("mixed", "\u6211\u7528iPhone 12\u62cd", ["\u6211", "\u7528", "iphone", "12", "\u62cd"]),
    ],
)
def test_tokens(name: str, said: str, expected: list[str]) -> None:
    assert list(profile(name).tokens(said)) == expected


def test_combining_marks_survive() -> None:
    """A decomposed letter is composed, a vowel sign that cannot be composed is kept."""
    assert profile("basic").tokens("cafe\u0301") == ("caf\u00e9",)
    assert "\u094d" in profile("basic").tokens("\u0938\u094d\u0924")[0]


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("de", "basic"),
        (None, "basic"),
        ("zh-CN", "cjk_char"),
        ("ko", "basic"),
    ],
)
def test_each_language_has_its_headline_profile(language: str | None, name: str) -> None:
    assert profile_for(language).name == name


def test_an_unknown_profile_names_the_near_miss() -> None:
    with pytest.raises(SettingsError, match="did you mean 'basic'"):
        profile("basik")


def test_the_hash_changes_with_the_version_and_with_the_behaviour() -> None:
    basic = profile("basic")
    assert basic.hash == profile("basic").hash
    hashes = {made.hash for made in PROFILES.values()}
    hashes.add(Profile("basic", "2", basic.tokens).hash)
    hashes.add(Profile("basic", basic.version, lambda said: basic.tokens(said)[:1]).hash)
    assert len(hashes) == len(PROFILES) + 2


def test_each_distinct_text_is_normalised_once() -> None:
    text._en.cache_clear()
    for _ in range(3):
        profile("en").tokens("a sentence nobody else uses, forty two times")
    assert text._en.cache_info().misses == 1


@given(st.text(max_size=60))
@pytest.mark.parametrize("name", ["basic", "mixed"])
def test_tokens_are_stable_under_their_own_profile(name: str, said: str) -> None:
    """What a profile made is not changed by the same profile again, and no token is empty or holds a space."""
    once = profile(name).tokens(said)
    assert profile(name).tokens(" ".join(once)) == once
    assert all(token and not token.isspace() and " " not in token for token in once)


@given(st.text(max_size=60))
def test_no_text_breaks_any_profile(said: str) -> None:
    for made in PROFILES.values():
        assert all(token.split() == [token] for token in made.tokens(said))


@pytest.mark.parametrize(
    ("said", "signs"),
    [
        ("\u0928\u092e\u0938\u094d\u0924\u0947", 3),  # namaste: na, ma, ste
        ("\u0924\u092e\u093f\u0933", 3),
        ("\u0ba4\u0bae\u0bbf\u0bb4\u0bcd", 3),  # Tamil writes no conjuncts
        ("caf\u00e9", 4),
        ("", 0),
    ],
)
def test_graphemes(said: str, signs: int) -> None:
    regex = pytest.importorskip("regex")
    assert len(text.graphemes(said)) == signs
    assert list(text.graphemes(said)) == regex.findall(r"\X", said)
    assert "".join(text.graphemes(said)) == said
