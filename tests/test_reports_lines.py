import pytest

from evalkit.reports.lines import AGENT, LINES, RELIABILITY, Line
from evalkit.scoring import catalogue


@pytest.mark.parametrize("lines", [LINES, RELIABILITY, AGENT])
def test_every_line_is_a_metric_of_the_catalogue_and_stands_once(lines: tuple[Line, ...]) -> None:
    for line in lines:
        for metric in (line.metric, *(line.bounds or ("",))[1:]):
            assert catalogue.describe(metric).id == metric
    assert len({line.metric for line in lines}) == len(lines)
    assert len({line.label for line in lines}) == len(lines)


def test_the_ends_of_a_figure_have_its_unit() -> None:
    for line in LINES:
        units = {catalogue.describe(metric).unit for metric in (line.metric, *(line.bounds or ("",))[1:])}
        assert len(units) == 1, line.metric


def test_what_fails_and_what_an_agent_does_is_complete() -> None:
    for family, lines in (("agt", AGENT), ("fail", RELIABILITY)):
        placed = {line.metric for line in lines}
        missing = {metric.id for metric in catalogue.METRICS if metric.id.startswith(f"{family}.")} - placed
        assert missing <= {"fail.rate", "fail.rate_limited.told"}, missing
