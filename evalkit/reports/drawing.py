"""A figure and how it becomes part of a page: no dates, no random ids, colours that follow light and dark.

Colours are those of Okabe and Ito (2008), which readers with any common colour blindness tell apart.
"""

import io
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK, FAINT, GRID, PAPER = "#1f2328", "#656d76", "#d0d7de", "#fffffe"
"""Stand-ins: on the page each becomes a CSS variable, so that the figures follow light and dark."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with the words that go with it."""

    name: str
    title: str
    caption: str
    figure: Figure

    def save(self, path: str | Path) -> None:
        """Write the figure on white, in the format that the name ends with: ``.png``, ``.svg``, ``.pdf``."""
        with mpl.rc_context(STYLE):
            self.figure.savefig(path, dpi=200, facecolor="white")

    def _repr_html_(self) -> str:
        said = f"<strong>{escape(self.title)}</strong><br>{svg(self)}<small>{escape(self.caption)}</small>"
        return f'<div style="max-width:46rem;padding:.5rem;color:#1f2328;background:#fff">{said}</div>'


def svg(plot: Plot) -> str:
    """The figure as an SVG element for a page: no dates, no random ids, colours by the page's CSS variables."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": plot.name, "svg.fonttype": "none"}):
        plot.figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Type", "Format")))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{plot.name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{plot.name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{plot.name}-\1)", text)
    text = re.sub(r"font: (\d[\d.]*)px [^;\"]*", r"font-size: \1px", text)
    for number, colour in enumerate(COLOURS):
        text = text.replace(colour, f"var(--series-{number}, {colour})")
    for colour, variable in ((INK, "--ink"), (FAINT, "--faint"), (GRID, "--rule"), (PAPER, "--paper")):
        text = text.replace(colour, f"var({variable}, {colour})")
    box = re.search(r'viewBox="[^"]+"', text)
    assert box is not None, "matplotlib always writes a viewBox"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {box[0]} role="img" aria-label="{plot.title}" {spaces}>' + text[text.index(">") + 1 :].strip()
