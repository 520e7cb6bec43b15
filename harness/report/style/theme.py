"""The look of every figure: seaborn's theme for papers, in fonts that Matplotlib ships."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.report.style.palette import INK

THIN = {
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
    **dict.fromkeys(("xtick.minor.width", "ytick.minor.width"), 0.4),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 2.5),
    **dict.fromkeys(("xtick.minor.size", "ytick.minor.size"), 1.5),
}
"""Lines of the axes in points; seaborn's are made for figures twice as wide as a column of a paper."""

COLOURS = dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), INK)

STABLE = {"mathtext.fontset": "stix", "text.hinting": "none", "svg.fonttype": "path", "svg.hashsalt": "harness",
          "pdf.fonttype": 42, "text.parse_math": False}  # fmt: skip
"""Equal tables give equal bytes, and a name with $ in it is no formula."""


@contextmanager
def theme(font_size: float) -> Iterator[None]:
    """Draw figures in seaborn's theme with type of this size in points; a reader's own matplotlibrc changes nothing.

    Matplotlib's settings are put back afterwards.
    """
    import matplotlib
    import seaborn as sns

    scale = font_size / sns.plotting_context("paper")["font.size"]
    rc = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, **THIN, **COLOURS, **STABLE}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        sns.set_theme("paper", "ticks", font="STIXGeneral", font_scale=scale, color_codes=False, rc=rc)
        yield
