"""A run in a notebook: its tables as data frames, its worst clips, their sound, their words and their captions.

>>> run = Run.load("results/demo")  # doctest: +SKIP
>>> run.worst(5, noise="clean")  # doctest: +SKIP
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from evalkit import comparison, corpora, stats, store
from evalkit.checklist import adoption
from evalkit.checklist import needs as product
from evalkit.checklist.answers import Checked, check
from evalkit.checklist.findings import Material
from evalkit.checklist.needs import Needs
from evalkit.comparison import doubts as doctor
from evalkit.errors import SettingsError, StoreError
from evalkit.hypotheses import Hypotheses
from evalkit.reports import aligned, checked, compared, doubted, frames, plots, spoken, tables, worsened
from evalkit.reports.drawing import Plot
from evalkit.reports.headline import Headline, headline
from evalkit.scoring import catalogue
from evalkit.stats.conditions import ConditionLoss, Robustness
from evalkit.types import Clip, Difference, Route, Score, SummaryRow, Trace

_METRIC_COLUMNS = ("id", "title", "unit", "direction", "definition", "source")
_CONDITION_COLUMNS = tuple(field.name for field in fields(ConditionLoss))
_DECISION_COLUMNS = (
    "question", "metric", "provider", "route", "against_provider", "against_route", "difference", "ci_lo", "ci_hi",
    "p", "p_holm", "poi", "margin", "label", "gate", "smallest_detectable", "n_clips", "clips_needed",
)  # fmt: skip

if TYPE_CHECKING:
    from IPython.display import HTML, Audio


@dataclass(frozen=True, repr=False)
class Run:
    """The files of one run, read once. Nothing here sends anything or writes anything.

    ==================================  ==============================================================================
    the answer                          ``headline()``, ``decisions``, ``checklist()``, ``adoption()``
    figures (long data frames)          ``summary``, ``slices("noise")``, ``differences``, ``compare()``, ``conditions``
    clip by clip                        ``scores``, ``worst()``, ``only()``: the same run for a choice of scores
    one clip                            ``listen()``, ``diff()``, ``words()``, ``captions()``, ``traces()``
    what was said                       ``hypotheses[clip_id, provider, route]``, ``doubts()``
    figures to look at                  ``plot("wer")``, ``plots()``
    what a number means                 ``metrics``
    ==================================  ==============================================================================

    Rates are fractions and times are seconds, unless a column says otherwise; columns of counts add, so add them up
    first and divide last.
    """

    folder: Path
    manifest: Mapping[str, Any]
    """What run.json holds: settings, routes, corpus, versions."""
    rows: Sequence[Score]
    """The scores as objects; ``scores`` has them as a data frame, in the same order."""
    summary_rows: Sequence[SummaryRow]
    """``summary`` as objects."""
    difference_rows: Sequence[Difference]
    """``differences`` as objects."""
    clips: Mapping[str, Clip]
    """The clips by id, with their references as they were when the run was made."""
    part_of: int | None = None
    """Of how many clips these are some, after ``only``."""

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
        return frames.scores(self.rows)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per pooled figure: metric, slice, value, interval, support and status, by provider and route."""
        return pd.DataFrame([asdict(row) for row in self.summary_rows], columns=list(tables.SUMMARY_COLUMNS))

    @cached_property
    def differences(self) -> pd.DataFrame:
        """One row per paired difference, candidate minus incumbent or streaming minus REST, with its interval."""
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

    @cached_property
    def hypotheses(self) -> Hypotheses:
        """What every system said, by ``(clip_id, provider, route)``: words with times, updates, captions.

        They are parsed from the recording again whenever they are asked for, so a changed parser shows at once.
        """
        return Hypotheses(store.Store(self.folder), self.manifest)

    def headline(self) -> pd.DataFrame:
        """The headline table: a line per metric, a column per system, each figure with its interval and number."""
        return frames.headline(self.head)

    def checklist(self, needs: Needs | str | Path | None = None) -> pd.DataFrame:
        """The eight questions: one row per system and question, with verdict and first reason.

        Args:
            needs: what the product needs, or its needs.toml; what is kept with the run unless given.

        Raises:
            SettingsError: the needs cannot be read, or ask what cannot be shown.
        """
        return pd.DataFrame(checked.table(self._checked(needs)))

    def adoption(self, needs: Needs | str | Path | None = None) -> pd.DataFrame:
        """How far the candidate has come: one row per stage, what holds it up, and what would bring it further.

        Args:
            needs: as for ``checklist``.

        Raises:
            SettingsError: likewise.
        """
        found = self._checked(needs)
        return frames.adoption(adoption.stand(found.candidate, found.accepted))

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

    def slices(self, key: str, metric: str = "") -> pd.DataFrame:
        """One metric over each kind of audio: a row per value of a tag, provider and route, with interval and number.

        Args:
            key: a tag of the clips, such as ``noise``, or ``language``.
            metric: its id; the error rate that leads unless given.

        Raises:
            SettingsError: no clip has such a tag, or there is no such figure of any slice.
        """
        return frames.slices(self.summary, key, metric or self.head.wer)

    def only(self, scores: pd.DataFrame) -> "Run":
        """This run as if it had only these scores: every figure, interval, comparison and plot is made again.

        Args:
            scores: rows of ``scores``, e.g. ``run.scores.query("audio_s > 10")``.

        Raises:
            SettingsError: nothing is left, or the rows are not those of ``scores``.
        """
        places = list(dict.fromkeys(scores.index))
        if not places or not set(places) <= set(range(len(self.rows))):
            raise SettingsError("give some rows of run.scores with their index, e.g. run.scores.query('audio_s > 10')")
        rows = [self.rows[place] for place in places]
        chosen = {row.clip_id: self.clips[row.clip_id] for row in rows}
        sides, seed = (self.manifest["candidate"], self.manifest["incumbent"]), self.manifest["seed"]
        return replace(
            self,
            rows=rows,
            summary_rows=stats.summarise(rows, seed=seed),
            difference_rows=stats.compare(rows, *sides, seed=seed),
            manifest={**self.manifest, "corpus": {**self.manifest["corpus"], "clips": len(chosen)}},
            clips=chosen,
            part_of=self.part_of or len(self.clips),
        )

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
        return frames.worst(self._where(provider=provider, route=route, **tags), n)

    def diff(self, clip_id: str, provider: str | None = None, route: Route | None = None) -> "HTML":
        """The words of a clip as they were compared, one line per provider and route, with the errors counted.

        Raises:
            SettingsError: nothing was scored under these names.
        """
        lines = [aligned.line(score) for score in self._where(clip_id=clip_id, provider=provider, route=route)]
        shown_lines: HTML = _display().HTML("".join(lines) + f"<small>{aligned.LEGEND}</small>")
        return shown_lines

    def words(
        self, clip_id: str | None = None, provider: str | None = None, route: Route | None = None
    ) -> pd.DataFrame:
        """Every word of a clip, or of all: hit or what error, how sure the system was, when it was said and heard.

        ``drift_s`` is the start that was given minus that of the reference, of hits where both are known; the metrics
        ``ts.offset`` leave out what is a hit only in part, and numbers.

        Raises:
            SettingsError: there is no such clip, provider or route.
            StoreError: the traces cannot be read.
        """
        found = [
            row
            for score in self._where(clip_id=clip_id, provider=provider, route=route)
            for row in spoken.words(score, self.clips[score.clip_id], self.hypotheses[_key(score)])
        ]
        return pd.DataFrame(found, columns=list(spoken.WORD_COLUMNS))

    def captions(self, clip_id: str, provider: str | None = None, route: Route | None = None) -> pd.DataFrame:
        """What a reader saw of a clip as time went on: a row per update, with the words it took back and brought.

        ``audio_s`` is how much of the clip had been spoken by then, ``t_s`` the time since the conversation began.
        ``state`` says how firmly the update was held, ``kept`` how many words stayed as they were.

        Raises:
            SettingsError: nothing was scored under these names.
            StoreError: the traces cannot be read.
        """
        said, found = self.hypotheses, list[dict[str, Any]]()
        for score in self._where(clip_id=clip_id, provider=provider, route=route):
            found += spoken.captions(score, said.attempts(_key(score)), said[_key(score)])
        return pd.DataFrame(found, columns=list(spoken.CAPTION_COLUMNS))

    def traces(self, clip_id: str, provider: str | None = None, route: Route | None = None) -> list[Trace]:
        """Everything that crossed the wire for a clip, attempt by attempt: ``Trace.events`` holds it verbatim.

        Raises:
            SettingsError: nothing was scored under these names.
            StoreError: the traces cannot be read.
        """
        chosen = self._where(clip_id=clip_id, provider=provider, route=route)
        return [trace for score in chosen for trace in self.hypotheses.attempts(_key(score))]

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
        """One figure of the report; a notebook draws it, ``save`` writes it, and its ``figure`` is matplotlib's.

        Raises:
            SettingsError: there is no such figure, or the run has no data for it.
        """
        drawn = self.plots()
        if name not in drawn:
            raise SettingsError.unknown("plot", name, drawn)
        return drawn[name]

    def __repr__(self) -> str:
        systems = ", ".join(system.name for system in self.head.systems)
        evidence = "/".join(sorted({row.evidence for row in self.rows}))
        return f"<Run {str(self.folder)!r}: {self._extent}; {systems}; {evidence} evidence>"

    def _repr_html_(self) -> str:
        """The verdict, its sentences and the headline table."""
        caveat = f"<p><em>{escape(self.head.caveat)}</em></p>" if self.head.caveat else ""
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.head.sentences)
        table = self.headline().to_html(border=0, escape=True)
        part = "" if self.part_of is None else f"<p>A part of the run: {self._extent}.</p>"
        return f"<h3>{escape(self.head.lede)}</h3>{part}{caveat}<ul>{items}</ul>{table}"

    @property
    def _extent(self) -> str:
        whole = "" if self.part_of is None else f" of {self.part_of}"
        return f"{len(self.clips)}{whole} clips, {len(self.rows)} scores"

    def _checked(self, needs: Needs | str | Path | None) -> Checked:
        wanted = product.of_run(self.folder) if needs is None else needs
        if not isinstance(wanted, Needs):
            wanted = product.read(Path(wanted))
        shown_here = self.manifest, self.rows, self.summary_rows, self.difference_rows
        return check(Material(self.folder, *shown_here, wanted))

    def _source(self) -> comparison.Source:
        hashes = {clip_id: clip.sha256 for clip_id, clip in self.clips.items()}
        return comparison.Source(str(self.folder), self.manifest, self.rows, hashes)

    def _where(self, **wanted: str | None) -> list[Score]:
        return frames.chosen(self.rows, wanted)


def _key(score: Score) -> tuple[str, str, Route]:
    return score.clip_id, score.provider, score.route


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
