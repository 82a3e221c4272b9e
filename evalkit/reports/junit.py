"""A gate's findings as JUnit XML, the form that every continuous integration reads.

A regression is a ``failure``, what cannot be judged is an ``error``, too few data before and now is ``skipped``. There
is one ``testsuite`` per provider and route, and one for what concerns the whole run.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from evalkit.gate import Finding, Outcome
from evalkit.reports import tables

WHOLE_RUN = "the run"
_ELEMENTS = {"regressed": "failure", "unjudged": "error", "skipped": "skipped"}
# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def write(path: Path, outcome: Outcome) -> None:
    """Write the findings of a gate; the file is written whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    tables.write_whole(path, text(outcome))


def text(outcome: Outcome) -> str:
    """The same as a string."""
    root = Xml.Element("testsuites", {"name": _clean(f"evalkit gate {outcome.baseline}")} | _counts(outcome.findings))
    for name in dict.fromkeys(found.system for found in outcome.findings):
        mine = [found for found in outcome.findings if found.system == name]
        title = _clean(name or WHOLE_RUN)
        suite = Xml.SubElement(root, "testsuite", {"name": title} | _counts(mine))
        suite.set("skipped", str(sum(found.state == "skipped" for found in mine)))
        for found in mine:
            _case(suite, found, title)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _case(suite: Xml.Element, found: Finding, title: str) -> None:
    about = {"classname": f"evalkit.gate.{title}", "name": _clean(f"{found.check}: {found.what}"), "time": "0"}
    case = Xml.SubElement(suite, "testcase", about)
    sentence = _clean(found.sentence)
    if found.state in _ELEMENTS:
        what = Xml.SubElement(case, _ELEMENTS[found.state], {"message": sentence})
        if found.state != "skipped":
            what.set("type", f"evalkit.{found.check}")
            what.text = _clean("\n".join(line for line in (found.sentence, found.remedy) if line))
    elif found.state != "passed":
        Xml.SubElement(case, "system-out").text = sentence


def _counts(findings: Sequence[Finding]) -> dict[str, str]:
    return {
        "tests": str(len(findings)),
        "failures": str(sum(found.state == "regressed" for found in findings)),
        "errors": str(sum(found.state == "unjudged" for found in findings)),
        "time": "0",
    }


def _clean(told: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", told)
