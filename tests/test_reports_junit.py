"""JUnit XML: what Jenkins, GitLab and GitHub's reporters accept, checked rule by rule.

The rules are those of the schema that Jenkins publishes for JUnit 10, written down here: which element may stand in
which, which attributes it may and must have, and what a time looks like; and that the counts are those of the cases.
"""

import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import gate
from evalkit.gate import Finding, Outcome
from evalkit.manifest import yardstick
from evalkit.reports import junit
from evalkit.types import Score
from tests import handmade, planted
from tests.planted import side

RESULT: tuple[set[str], set[str], set[str]] = (set(), {"type", "message"}, set())
# Element -> (elements in it, attributes it may have, attributes it must have).
RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}, set()),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package", "file"},
        {"name", "tests", "failures", "errors"},
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name", "time", "classname", "group"},
        {"name"},
    ),
    "failure": RESULT,
    "error": RESULT,
    "skipped": RESULT,
    "system-out": (set(), set(), set()),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
MIXED = {"failure", "error", "skipped", "system-out"}


def broken(element: Xml.Element) -> list[str]:
    """Every rule an element and what stands in it break."""
    if element.tag not in RULES:
        return [f"{element.tag} is no element"]
    children, allowed, needed = RULES[element.tag]
    found = [f"{element.tag} has {name}" for name in element.attrib.keys() - allowed]
    found += [f"{element.tag} lacks {name}" for name in needed - element.attrib.keys()]
    found += [f"{child.tag} in {element.tag}" for child in element if child.tag not in children]
    if not TIME.fullmatch(element.get("time", "0")):
        found.append(f"time {element.get('time')}")
    if element.tag not in MIXED and (element.text or "").strip():
        found.append(f"text in {element.tag}")
    cases = list(element.iter("testcase"))
    counted = {"tests": len(cases)}
    counted |= {f"{name}s": sum(case.find(name) is not None for case in cases) for name in ("failure", "error")}
    counted["skipped"] = sum(case.find("skipped") is not None for case in cases)
    found += [
        f"{name} of {element.tag} is {element.get(name)}, not {count}"
        for name, count in counted.items()
        if element.tag.startswith("testsuite") and name in element.attrib and element.get(name) != str(count)
    ]
    return found + [fault for child in element for fault in broken(child)]


def held(run: gate.Side) -> Outcome:
    return gate.check(run, side(), yardstick())


@pytest.mark.parametrize(
    "rows", [handmade.scores(), planted.slower(planted.dropping(handmade.scores())), handmade.scores(12), []]
)
@pytest.mark.parametrize("recording", ["first", "second"])
def test_whatever_a_gate_finds_follows_the_rules(rows: list[Score], recording: str) -> None:
    assert not broken(Xml.fromstring(junit.text(held(side(rows, recording=recording)))))


def test_the_rules_see_what_is_wrong() -> None:
    whole = '<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="b"/></testsuite>'
    assert not broken(Xml.fromstring(whole))
    for old, new in [('name="a" ', ""), ('tests="1"', 'tests="2"'), ("<testcase", "<case"), ('name="b"', 'colour="b"')]:
        assert broken(Xml.fromstring(whole.replace(old, new)))


def test_a_regression_is_a_failure_with_sentence_and_command() -> None:
    root = Xml.fromstring(junit.text(held(side(planted.slower(handmade.scores())))))
    case = next(case for case in root.iter("testcase") if case.get("name") == "equality: lat.word_first.p50")
    failure = case.find("failure")
    assert failure is not None
    assert "worse on the same recording" in str(failure.get("message"))
    assert "evalkit baseline accept" in str(failure.text)
    assert case.get("classname") == "evalkit.gate.local-moonshine over streaming"
    assert root.get("failures") == str(sum(suite.get("failures") != "0" for suite in root) * 3)


def test_what_cannot_be_judged_is_an_error_of_the_whole_run() -> None:
    root = Xml.fromstring(junit.text(held(side(handmade.scores(12)))))
    (suite,) = root
    assert (suite.get("name"), suite.get("errors")) == (junit.WHOLE_RUN, "1")


def test_an_improvement_passes_and_is_told() -> None:
    better = gate.check(side(), side(planted.slower(handmade.scores())), yardstick())
    root = Xml.fromstring(junit.text(better))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    assert any("better on the same recording" in (out.text or "") for out in root.iter("system-out"))


@given(st.text(), st.sampled_from(["regressed", "unjudged", "skipped", "improved", "passed"]))
def test_any_text_becomes_valid_xml(text: str, state: gate.findings.State) -> None:
    outcome = Outcome(text, text, (Finding(state, "equality", text, text, text, text, remedy=text),))
    assert not broken(Xml.fromstring(junit.text(outcome)))


def test_the_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "gate.xml"
    junit.write(path, held(side()))
    assert path.read_text(encoding="utf-8").startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    assert [left.name for left in tmp_path.iterdir()] == ["gate.xml"]
