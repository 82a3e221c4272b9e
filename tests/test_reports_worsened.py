from dataclasses import replace

from evalkit.reports import html, worsened
from evalkit.reports.headline import headline
from evalkit.scoring.robustness import Degradation
from evalkit.stats import summarise
from evalkit.stats.conditions import ConditionLoss, Robustness
from tests import handmade

SCORES = handmade.degraded(24)
SUMMARY = summarise(SCORES, slices=False)
MANIFEST = handmade.manifest(SCORES)
HEAD = headline(MANIFEST, SCORES, SUMMARY, [])
FOUND = worsened.measured(HEAD, SCORES, MANIFEST)
LOSS = ConditionLoss("mulaw", None, 0.12, 0.1, 0.02, 0.01, 0.03, 0.01, 0.02, 0.2, None, 0, 24, 500, 9)
SWEEP = Degradation((0.2, 0.05), (4.0, 1.0), -0.0075, 10.0, 0.1, monotone=True)


def of(sweep: Degradation | None) -> str:
    return worsened.noise(Robustness("a", "rest", "acc.wer.en", (), sweep, (0.0, 20.0), 24))


def test_a_body_per_system_and_a_row_per_condition_against_the_incumbent() -> None:
    table = worsened.table(HEAD, FOUND)
    assert [body["title"] for body in table["bodies"]] == [system.name for system in HEAD.systems]
    assert table["columns"][-1] == f"Beyond {handmade.INCUMBENT}"
    rows = table["bodies"][0]["rows"]
    assert [row["name"] for row in rows] == ["noise-20dB", "noise-10dB", "noise-0dB"]
    assert all(len(row["cells"]) == len(table["columns"]) for body in table["bodies"] for row in body["rows"])
    clips, clean, worse, gap, *_ = rows[-1]["cells"]
    loss = FOUND[0].conditions[-1]
    assert (clips["text"], clips["small"], gap["mark"]) == ("24", "", "worse")
    assert float(worse["text"].split()[0]) > float(clean["text"].split()[0])
    assert loss.supported
    alone = headline({**MANIFEST, "incumbent": None}, SCORES, SUMMARY, [])
    assert "Beyond" not in " ".join(worsened.table(alone, worsened.measured(alone, SCORES, MANIFEST))["columns"])


def test_a_run_without_degraded_clips_has_no_such_table() -> None:
    plain = handmade.scores(8)
    assert worsened.measured(headline(MANIFEST, plain, SUMMARY, []), plain, MANIFEST) == []
    page = html.page(manifest=MANIFEST, scores=plain, summary=SUMMARY, differences=[])
    assert 'id="conditions"' not in page


def test_the_page_has_the_table_the_sweep_and_its_plot() -> None:
    page = html.page(manifest=MANIFEST, scores=SCORES, summary=SUMMARY, differences=[])
    assert 'id="conditions"' in page
    assert 'href="#conditions"' in page
    assert 'id="plot-noise"' in page
    assert "for every dB more noise" in page


def test_what_cannot_be_leaned_on_says_why() -> None:
    assert worsened.flags(LOSS) == []
    assert worsened.flags(replace(LOSS, n_clips=6, failed=2)) == ["only 6 of 20 pairs", "2 left out, not answered"]
    assert worsened.flags(replace(LOSS, n_clusters=3)) == ["only 3 of 5 clusters"]


def test_the_noise_sweep_is_one_sentence() -> None:
    assert of(None) == ""
    assert of(SWEEP) == (
        "Noise, over 24 clips: +0.8 points of errors for every dB more noise, between 0 and 20 dB; twice the clean "
        "rate at 10 dB."
    )
    assert "even at 20 dB" in of(replace(SWEEP, doubling_snr_db=None, relative=(4.0, 1.5)))
    assert "does not double" in of(replace(SWEEP, doubling_snr_db=None, relative=(0.4, 0.1)))
    assert "not monotone" in of(replace(SWEEP, monotone=False))
    assert "twice" not in of(replace(SWEEP, doubling_snr_db=None, relative=(None, None)))
