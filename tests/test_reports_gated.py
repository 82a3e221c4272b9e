"""What a reviewer reads of a gate: job summary, annotations, JSON."""

import json

from evalkit import gate
from evalkit.gate import Finding, Outcome
from evalkit.manifest import yardstick
from evalkit.reports import gated
from tests import handmade, planted
from tests.planted import side


def held(run: gate.Side) -> Outcome:
    return gate.check(run, side(), yardstick())


WORSE = held(side(planted.slower(handmade.scores())))
LESS = held(side(handmade.scores(14)))


def test_the_summary_of_a_pass_is_short() -> None:
    text = gated.markdown(held(side()))
    assert text.startswith("## ✅ evalkit gate: pass\n")
    assert "figures are as good as before" in text
    assert "evalkit metrics" not in text
    assert "###" not in text


def test_the_summary_of_a_regression_has_a_row_a_sentence_and_the_command() -> None:
    text = gated.markdown(WORSE)
    assert text.startswith("## ❌ evalkit gate: regression\n")
    assert "### Worse than the baseline" in text
    row = next(line for line in text.splitlines() if line.startswith("|") and "lat.word\\_first.p50" in line)
    assert row.count("|") == 6
    assert "`evalkit metrics ID` says what a figure means" in text
    assert "```sh\nevalkit baseline accept main main --reason '...'\n```" in text


def test_the_summary_of_what_cannot_be_judged_says_why() -> None:
    text = gated.markdown(LESS)
    assert text.startswith("## ❔ evalkit gate: cannot judge\n")
    assert "10 of the 24 clips of the baseline are not in the run" in text


def test_markdown_in_names_is_not_read_as_such() -> None:
    outcome = Outcome("run", "main", (Finding("regressed", "equality", "a|b", "x | <b>\ny"),))
    text = gated.markdown(outcome)
    assert "a\\|b" in text
    assert "x \\| \\<b\\> y" in text


def test_long_lists_are_cut_and_say_so() -> None:
    many = tuple(Finding("regressed", "equality", f"m{k}", "told") for k in range(60))
    assert "and 10 more; the JUnit file has them all" in gated.markdown(Outcome("run", "main", many))
    assert len(list(gated.annotations(Outcome("run", "main", many)))) == gated.MOST_ANNOTATIONS


def test_annotations_are_workflow_commands() -> None:
    lines = list(gated.annotations(WORSE))
    assert lines[0].startswith("::error title=evalkit gate%3A lat.word_first.p50::local-moonshine over streaming: ")
    assert lines[0].endswith("; if that is meant: evalkit baseline accept main main --reason '...'")
    awkward = Outcome("run", "main", (Finding("warned", "factor", "a,b:c", "50 % more\nand more"),))
    assert list(gated.annotations(awkward)) == [
        "::warning title=evalkit gate%3A a%2Cb%3Ac::50 %25 more%0Aand more"
    ]  # fmt: skip


def test_a_command_that_mends_is_not_called_meant() -> None:
    one = Finding("unjudged", "comparable", "scores", "told", remedy="evalkit score demo")
    assert gated.told(one) == "told; what to do: evalkit score demo"


def test_the_record_is_json_with_everything() -> None:
    told = json.loads(json.dumps(gated.record(LESS)))
    assert (told["status"], told["outcome"]) == (2, "cannot judge")
    assert told["findings"][0]["what"] == "clip set"
    assert len(gated.record(WORSE)["findings"]) == len(WORSE.findings)
