"""Where each criterion's figure comes from."""

from pathlib import Path

import pytest

from evalkit.checklist import criteria
from evalkit.checklist.findings import find
from evalkit.checklist.needs import Needs
from evalkit.errors import SettingsError
from tests.product import NEEDS, material


@pytest.mark.parametrize("needs", [Needs(), NEEDS, Needs(timestamps="audit", voice_agent=True, languages=("en",))])
def test_every_criterion_has_a_figure_or_says_why_not_and_what_to_do(needs: Needs, tmp_path: Path) -> None:
    made = material(tmp_path, needs)
    for item in criteria.items(needs):
        for line in item.lines:
            seen = find(line, made)
            assert seen.finding.value is not None or seen.why, line.name


def test_a_damaged_note_beside_the_run_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "rejects.csv").write_text("kind\n")
    line = next(line for item in criteria.items(NEEDS) for line in item.lines if line.name == "reject.clear")
    with pytest.raises(SettingsError, match="lacks the column"):
        find(line, material(tmp_path))
