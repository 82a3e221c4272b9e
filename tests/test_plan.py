"""Plans: from a file, from options, from both."""

from pathlib import Path
from typing import Any

import pytest

from evalkit import plan as plans
from evalkit.errors import SettingsError
from evalkit.plan import Choice, Plan

LOCAL = Choice("local-moonshine")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def test_the_embedded_default_asks_two_local_providers_over_two_routes() -> None:
    demo = plans.demo()
    assert (demo.name, demo.corpus, demo.routes) == ("demo", "demo", ("rest", "streaming"))
    assert [provider.name for provider in demo.providers("streaming")] == ["local-moonshine", "local-pocketsphinx"]
    assert demo.providers("rest")[0].settings["diarize"] is True
    assert demo.providers("streaming")[0].settings["diarize"] is False


def test_a_file_and_options_say_the_same_and_options_win(tmp_path: Path) -> None:
    text = 'corpus = "calls.csv"\nbudget_usd = 2\n[candidate]\nprovider = "xai"\nlanguage = "en"\nrest.diarize = true\n'
    path = write(tmp_path, text)
    read = plans.read(path, routes=("rest",))
    assert read == Plan(
        candidate=plans.choice_of("xai,language=en,rest.diarize=true").__class__(
            "xai", {"language": "en", "rest.diarize": True}
        ),
        corpus="calls.csv",
        routes=("rest",),
        budget_usd=2,
    )
    assert read.name == "calls-xai"


def test_a_named_candidate_stands_alone_and_gets_a_folder_of_its_own() -> None:
    alone = plans.demo(candidate=plans.choice_of("local-pocketsphinx"), corpus="open")
    assert alone.incumbent is None
    assert alone.name == "open-local-pocketsphinx"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"routes": ("rset",)}, "unknown route 'rset'; did you mean 'rest'"),
        ({"terms": ("",)}, "terms must be words or phrases"),
        ({"routes": ()}, "routes must name each of"),
        ({"routes": ("rest", "rest")}, "routes must name each of"),
        ({"budget_usd": float("nan")}, "budget_usd must be a number"),
        ({"sample_rate_hz": 4_000_000_000}, "sample_rate_hz must be 4000 to 192000"),
        ({"candidate": Choice("local-moonshine", {}, "../evil")}, "must be a plain name"),
        ({"candidate": Choice("local-moonshine", {"name": "x"})}, "name is no option"),
        ({"run": "../x"}, "must be a plain name"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"incumbent": LOCAL}, "give one a name: NAME=local-moonshine"),
        ({"candidate": Choice("xai")}, "costs money; set a limit with --budget-usd"),
        ({"candidate": Choice("moonshine")}, "did you mean 'local-moonshine'"),
        ({"candidate": Choice("local-moonshine", {"rset.diarize": True})}, "unknown route 'rset'"),
        ({"candidate": LOCAL, "routes": ("agent",)}, "offers none of agent"),
        ({"budget_usd": -1.0}, "budget_usd must be a number of dollars"),
        ({"budget_usd": 10**400}, "budget_usd must be a number of dollars"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"seed": 10**26}, "seed must be 0 to 4294967295, not 1000"),
        ({"seed": 1.5}, "seed must be a whole number, not 1.5"),
        ({"attempts": True}, "attempts must be a whole number, not True"),
        ({"concurrency": 10**30}, "concurrency must be 1 to 100000"),
    ],
)
def test_a_wrong_plan_is_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Plan(**{"candidate": LOCAL, **changes})


def test_two_settings_of_one_provider_are_compared_under_two_names(tmp_path: Path) -> None:
    typed = plans.choice_of("fine=local-moonshine,frame_ms=20")
    assert typed == Choice("local-moonshine", {"frame_ms": "20"}, "fine")
    pair = Plan(typed, incumbent=LOCAL)
    assert [provider.name for provider in pair.providers("streaming")] == ["fine", "local-moonshine"]
    path = write(tmp_path, '[candidate]\nprovider = "local-moonshine"\nname = "fine"\nframe_ms = 20\n')
    assert plans.read(path).candidate == Choice("local-moonshine", {"frame_ms": 20}, "fine")


SAID = {"requests_per_s": 20, "date": "2026-11-20"}


def test_what_the_console_says_of_one_name_holds_for_the_others_of_its_account() -> None:
    other = plans.choice_of("terms=xai,keyterms=Grok")
    plan = Plan(other, incumbent=Choice("xai"), budget_usd=1, limits={"xai": {"rest": SAID}})
    assert [plan.allowed(provider).requests_per_s for provider in plan.providers("rest")] == [20, 20]
    assert [plan.allowed(provider).requests_per_s for provider in plan.providers("streaming")] == [10, 10]
    own = Plan(other, incumbent=Choice("xai"), budget_usd=1, limits={"xai": {"rest": SAID}, "terms": {
        "rest": {"requests_per_s": 5, "date": "2026-11-20"}}})  # fmt: skip
    assert [plan.allowed(provider).requests_per_s for plan in (own,) for provider in plan.providers("rest")] == [5, 20]


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("b=xai,model=other", ["b", "xai"]),
        ("b=xai,base_url=https://api.x.ai/", ["b", "xai"]),
        ("b=xai,key_env=OTHER_KEY", ["xai"]),
        ("b=xai,base_url=https://eu.example", ["xai"]),
        ("deepgram", ["xai"]),
    ],
)
def test_an_account_is_a_service_a_place_and_a_key(spec: str, names: list[str]) -> None:
    plan = Plan(plans.choice_of(spec), incumbent=Choice("xai"), budget_usd=1)
    for route in plan.routes:
        assert plan.sharing(plan.providers(route)[-1]) == names


def test_an_option_without_a_value_is_refused() -> None:
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        plans.choice_of("xai,diarize")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("corpus = ", "plan.toml: not TOML"),
        ("corpsu = 'x'", "did you mean 'corpus'"),
        ("corpus = 'x'", r"has no \[candidate\]"),
        ("[candidate]\nlanguage = 'en'", r"\[candidate\] needs provider"),
        ("attempts = 'x'\n[candidate]\nprovider = 'local-moonshine'", "attempts must be a whole number, not 'x'"),
        ("attempts = true\n[candidate]\nprovider = 'local-moonshine'", "attempts must be a whole number, not True"),
        (
            "budget_usd = 1\n[candidate]\nprovider = 'xai'\n[limits.xai]\nrequests_per_s = 20",
            r"\[limits.xai\]: of which route",
        ),
        ("[candidate]\nprovider = 'local-moonshine'\nkeyterms = [1, 2]", "keyterms.*must be str, not 1"),
        ("[candidate]\nprovider = 'local-moonshine'\nframe_ms = 20.7", "frame_ms.*must be int, not 20.7"),
        ("routes = 'rest'\n[candidate]\nprovider = 'local-moonshine'", "routes must be a list, not 'rest'"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        plans.read(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml: cannot be read"):
        plans.read(tmp_path / "no.toml")
