"""A run in a notebook: its tables as data frames, its worst clips, their sound and their words.

>>> run = Run.load("results/demo")  # doctest: +SKIP
>>> run.worst(5, noise="clean")  # doctest: +SKIP
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from evalkit import comparison, corpora, store
from evalkit.checklist import needs as product
from evalkit.checklist.answers import check
from evalkit.checklist.findings import Material
from evalkit.checklist.needs import Needs
from evalkit.comparison import doubts as doctor
from evalkit.errors import SettingsError, StoreError
from evalkit.reports import aligned, checked, compared, doubted, plots, tables, worsened
from evalkit.reports.drawing import Plot
from evalkit.reports.headline import Headline, headline
from evalkit.reports.units import shown, span, status, told
from evalkit.scoring import catalogue
from evalkit.stats import slices as cuts
from evalkit.stats.conditions import ConditionLoss, Robustness
from evalkit.types import Clip, Difference, Route, Score, SummaryRow

_METRIC_COLUMNS = ("id", "title", "unit", "direction", "definition", "source")
_CONDITION_COLUMNS = tuple(field.name for field in fields(ConditionLoss))
_DECISION_COLUMNS = (
    "question", "metric", "provider", "route", "against_provider", "against_route", "difference", "ci_lo", "ci_hi",
    "p", "p_holm", "poi", "margin", "label", "gate", "smallest_detectable", "n_clips", "clips_needed",
)  # fmt: skip

if TYPE_CHECKING:
    from IPython.display import HTML, Audio


@dataclass(frozen=True)
class Run:
    """The files of one run, read once."""

    folder: Path
    manifest: Mapping[str, Any]
    rows: Sequence[Score]
    """The scores as objects; ``scores`` has them as a data frame."""
    summary_rows: Sequence[SummaryRow]
    difference_rows: Sequence[Difference]
    clips: Mapping[str, Clip]

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Read a run folder such as ``results/demo``.

        Raises:
            StoreError: the folder or one of its files is not there, or cannot be read.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise StoreError(f"{folder}: no such run folder; `evalkit run` makes results/demo")
        files = store.Store(folder)
        manifest = files.manifest()
        return cls(
            folder,
            manifest,
            tables.read_scores(folder / "scores.csv"),
            tables.read_summary(folder / "summary.csv"),
            tables.read_differences(folder / "comparison.csv"),
            {clip.id: clip for clip in files.clips()},
        )

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per clip, provider and route: fixed fields, tags, counts, and lists of values as tuples.

        A tag that a clip does not have is ``unknown``: pandas would drop its rows from groups.
        """
        frame = pd.DataFrame([_flat(score) for score in self.rows])
        tags = [name for name in frame.columns if name.startswith(tables.TAG)]
        return frame.fillna(dict.fromkeys(tags, cuts.UNKNOWN))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per pooled figure."""
        return pd.DataFrame([asdict(row) for row in self.summary_rows], columns=list(tables.SUMMARY_COLUMNS))

    @cached_property
    def differences(self) -> pd.DataFrame:
        """One row per paired difference."""
        return pd.DataFrame([asdict(row) for row in self.difference_rows], columns=list(tables.DIFFERENCE_COLUMNS))

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """May one switch? The differences that have a margin, with their tests, labels and the clips still needed."""
        return self.differences[self.differences["margin"].notna()][list(_DECISION_COLUMNS)].reset_index(drop=True)

    @cached_property
    def robustness(self) -> Sequence[Robustness]:
        """How every system falls off from clean clips to degraded ones; empty when none were sent."""
        return worsened.measured(self.head, self.rows, self.manifest)

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """One row per condition, provider and route: the same clips clean and degraded, pair by pair."""
        rows = [
            {"provider": one.provider, "route": one.route, **asdict(loss), "supported": loss.supported}
            for one in self.robustness
            for loss in one.conditions
        ]
        return pd.DataFrame(rows, columns=["provider", "route", *_CONDITION_COLUMNS, "supported"])

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """The metric catalogue: what every number means, by id."""
        rows = [{name: getattr(metric, name) for name in _METRIC_COLUMNS} for metric in catalogue.EVERY]
        return pd.DataFrame(rows, columns=list(_METRIC_COLUMNS)).set_index("id")

    @cached_property
    def head(self) -> Headline:
        """The headline the report and the terminal show."""
        return headline(self.manifest, self.rows, self.summary_rows, self.difference_rows)

    def headline(self) -> pd.DataFrame:
        """The headline table: a line per metric, a column per system, figures as they are printed elsewhere."""
        systems = self.head.systems
        table = {
            system.name: [_text(self.head.row(system.provider, system.route, line.metric)) for line in self.head.lines]
            for system in systems
        }
        frame = pd.DataFrame(table, index=[line.label for line in self.head.lines])
        frame.loc["Clips answered"] = [f"{system.answered} of {system.clips}" for system in systems]
        return frame

    def checklist(self, needs: Needs | str | Path | None = None) -> pd.DataFrame:
        """The eight questions: one row per system and question, with verdict and first reason.

        Args:
            needs: what the product needs, or its needs.toml; what is kept with the run unless given.

        Raises:
            SettingsError: the needs cannot be read, or ask what cannot be shown.
        """
        wanted = product.of_run(self.folder) if needs is None else needs
        if not isinstance(wanted, Needs):
            wanted = product.read(Path(wanted))
        shown_here = self.manifest, self.rows, self.summary_rows, self.difference_rows
        return pd.DataFrame(checked.table(check(Material(self.folder, *shown_here, wanted))))

    def compare(
        self, other: "Run | None" = None, *, candidate: str = "", incumbent: str = "", metric: str = "", key: str = ""
    ) -> pd.DataFrame:
        """Candidate against incumbent, of this run or with the incumbent of another one: a row per difference.

        Args:
            other: a run of the same clips.
            candidate: provider of this run; its candidate unless given.
            incumbent: provider of the other.
            metric: only metrics whose id begins so.
            key: only the slices of this tag, beside all clips.

        Raises:
            SettingsError: there is no such provider, metric or tag, or the two runs do not compare.
        """
        found = comparison.compare(
            self._source(),
            None if other is None else other._source(),
            candidate=candidate,
            incumbent=incumbent,
            prefix=metric,
            key=key,
        )
        return pd.DataFrame(compared.records(found), columns=list(compared.COLUMNS))

    def doubts(self) -> pd.DataFrame:
        """Where systems agree with one another against the reference, the likeliest errors first.

        Raises:
            StoreError: the traces cannot be read.
        """
        found = doctor.doubts(self.rows, self.clips, doctor.heard(store.Store(self.folder), self.manifest))
        return pd.DataFrame(map(doubted.record, found), columns=list(doubted.COLUMNS))

    def worst(
        self, n: int = 10, *, provider: str | None = None, route: Route | None = None, **tags: str
    ) -> pd.DataFrame:
        """The clips with the most word errors, worst first.

        Args:
            n: how many rows.
            provider: only this provider.
            route: only this route.
            **tags: only clips with these tags, e.g. ``noise="clean"``.

        Raises:
            SettingsError: no score has that provider, route or tag.
        """
        chosen = self._where(provider=provider, route=route, **tags)
        counted = [(score, aligned.errors(score)) for score in chosen if score.reference is not None]
        counted.sort(key=lambda pair: (-pair[1].errors, pair[0].clip_id, pair[0].provider, pair[0].route))
        return pd.DataFrame(
            [
                {
                    "clip_id": score.clip_id,
                    "provider": score.provider,
                    "route": score.route,
                    "errors": wrong.errors,
                    "words": wrong.reference_words,
                    "rate": wrong.rate,
                    **score.slices,
                    "reference": score.reference,
                    "hypothesis": score.hypothesis,
                    "failure": score.failure,
                }
                for score, wrong in counted[:n]
            ]
        )

    def diff(self, clip_id: str, provider: str | None = None, route: Route | None = None) -> "HTML":
        """The words of a clip as they were compared, one line per provider and route.

        Raises:
            SettingsError: nothing was scored under these names.
        """
        lines = [
            f"<p style='margin:0.3em 0'><small>{escape(score.provider)} {escape(score.route)}</small><br>"
            f"{aligned.html(aligned.steps(score)) or '<i>no reference text</i>'}</p>"
            for score in self._where(clip_id=clip_id, provider=provider, route=route)
        ]
        shown_lines: HTML = _display().HTML("".join(lines))
        return shown_lines

    def listen(self, clip_id: str) -> "Audio":
        """A player for the sound of a clip.

        Raises:
            SettingsError: the run has no such clip.
            CorpusError: the audio file is gone or no longer the same.
        """
        if clip_id not in self.clips:
            raise SettingsError.unknown("clip", clip_id, self.clips)
        player: Audio = _display().Audio(data=corpora.audio(self.clips[clip_id]).wav())
        return player

    def plots(self) -> dict[str, Plot]:
        """The figures of the report by name."""
        return {plot.name: plot for plot in plots.plots(self.head, self.rows, self.summary_rows, self.robustness)}

    def plot(self, name: str = "wer") -> Plot:
        """One figure of the report; a notebook draws it, and its ``figure`` is matplotlib's.

        Raises:
            SettingsError: there is no such figure, or the run has no data for it.
        """
        drawn = self.plots()
        if name not in drawn:
            raise SettingsError.unknown("plot", name, drawn)
        return drawn[name]

    def _repr_html_(self) -> str:
        """The verdict, its sentences and the headline table."""
        caveat = f"<p><em>{escape(self.head.caveat)}</em></p>" if self.head.caveat else ""
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.head.sentences)
        table = self.headline().to_html(border=0, escape=True)
        return f"<h3>{escape(self.head.lede)}</h3>{caveat}<ul>{items}</ul>{table}"

    def _source(self) -> comparison.Source:
        hashes = {clip_id: clip.sha256 for clip_id, clip in self.clips.items()}
        return comparison.Source(str(self.folder), self.manifest, self.rows, hashes)

    def _where(self, **wanted: str | None) -> list[Score]:
        """Scores by clip, provider, route and tags; a name that no score has is an error, not an empty answer."""
        chosen = list(self.rows)
        for field, value in wanted.items():
            if value is None:
                continue
            fixed = field in ("clip_id", "provider", "route")
            missing = cuts.UNKNOWN if any(field in score.slices for score in self.rows) else None
            has = {
                id(score): getattr(score, field) if fixed else score.slices.get(field, missing) for score in self.rows
            }
            if value not in has.values():
                raise SettingsError.unknown(field, value, {name for name in has.values() if name is not None})
            chosen = [score for score in chosen if has[id(score)] == value]
        return chosen


def _flat(score: Score) -> dict[str, Any]:
    fields = {name: getattr(score, name) for name in tables.FIXED_COLUMNS}
    fields |= {tables.TAG + name: value for name, value in score.slices.items()}
    fields |= score.counts
    fields |= score.values
    if score.pacing is not None:
        fields |= {tables.PACING + name: value for name, value in asdict(score.pacing).items()}
    return {**fields, "reference": score.reference, "hypothesis": score.hypothesis}


def _text(row: SummaryRow | None) -> str:
    if row is None or row.value is None:
        return row.note if row is not None and told(row) else shown(None, "")
    interval = span(row.ci_lo, row.ci_hi, row.unit, bare=True)
    words = shown(row.value, row.unit) + (f" ({interval})" if interval else "")
    return f"{words}, {status(row)}" if status(row) else words


def _display() -> Any:
    """IPython's display module, which only the ``notebook`` extra brings.

    Raises:
        SettingsError: IPython is not installed.
    """
    try:
        from IPython import display
    except ModuleNotFoundError as error:
        raise SettingsError("this needs IPython; install stt-evalkit[notebook]") from error
    return display
