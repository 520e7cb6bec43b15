"""The figures of the findings on several data sets, from the tables."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.report.style.palette import BAND, DOUBLE, GREY, INK, colour, marker
from tools.accuracy_from_weights.figures import short

from .scores import WATCHED

SHOWN = (
    "valacc", "valid_loss", "train_loss", "linear_probe", "logme", "logme_trained", "leep", "movement", "naswot",
    "beta_eff", "beta_eff_network", "beta_eff_ridge", "static_rank", "source_accuracy", "params",
)  # fmt: skip


def grid(accuracies: pd.DataFrame, ceilings: pd.DataFrame) -> Figure:
    """Accuracy of every network (rows, best mean rank first) on every data set; shade is the rank within a data set.

    A cell holds the mean of the seeds and half the distance of the two (the deviation of more).
    """
    by = accuracies.groupby(["network", "dataset"])["accuracy"]
    means, spread = by.mean().unstack(), (by.max() - by.min()).unstack() / 2
    means = means[ceilings["dataset"].tolist()]
    ranks = means.rank(pct=True)
    order = ranks.mean(axis=1).sort_values(ascending=False).index
    text = means.map("{:.1f}".format) + " ± " + spread[means.columns].map("{:.1f}".format)
    seen = accuracies[accuracies["note"] != ""].drop_duplicates("network").set_index("network")["note"]
    labels = [f"{name} *" if name in seen.index else name for name in order]
    figure = Figure(figsize=(DOUBLE, 0.5 + 0.19 * len(order)), layout="constrained")
    axes = figure.subplots()
    shades = sns.light_palette(colour("description"), as_cmap=True)
    sns.heatmap(ranks.loc[order], ax=axes, annot=text.loc[order], fmt="", cmap=shades, vmin=0, vmax=2.4, cbar=False,
                linewidths=0.6, xticklabels=short(list(means.columns)), yticklabels=labels,
                annot_kws={"color": INK})  # fmt: skip
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    if len(seen):
        notes = "; ".join(sorted(set(seen)))
        axes.annotate(f"* {notes}", (0, 0), (0, -6), "axes fraction", "offset points", va="top", color=GREY, fontsize=7)
    return figure


def by_set(rows: pd.DataFrame, over_sets: pd.DataFrame, ceilings: pd.DataFrame) -> Figure:
    """τ of chosen predictors on each data set, with 95 % intervals; the band is the test-retest ceiling."""
    rows = rows[rows["experiment"] == WATCHED]
    kept = over_sets[over_sets["experiment"] == WATCHED].set_index("predictor")["tau"]
    names = list(kept.reindex(SHOWN).dropna().sort_values().index)
    drawn = set(rows["dataset"])
    sets = [name for name in ceilings["dataset"] if name in drawn]
    figure = Figure(figsize=(DOUBLE, 0.7 + 0.2 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(sets), sharex=True, sharey=True, squeeze=False)[0]
    ends = ceilings.set_index("dataset")
    for axes, dataset in zip(panels, sets, strict=True):
        axes.axvspan(*ends.loc[dataset, ["low", "high"]], color=BAND, lw=0, zorder=0)
        axes.axvline(ends.loc[dataset, "tau"], color=GREY, lw=0.6, zorder=0)
        axes.axvline(0, color=INK, lw=0.5)
        shown = rows[rows["dataset"] == dataset].set_index("predictor")
        for place, name in enumerate(names):
            if name in shown.index:
                row = shown.loc[name]
                axes.plot([row["low"], row["high"]], [place, place], "-", color=colour(row["family"]), lw=0.9)
                axes.plot([row["tau"]], [place], marker(row["family"]), color=colour(row["family"]), ms=4)
        axes.set(title=short([dataset])[0], xlabel="τ", xlim=(-0.6, 1.0), yticks=range(len(names)), yticklabels=names)
        axes.tick_params(axis="y", length=0)
    band = Line2D([], [], color=BAND, lw=5, label="test–retest ceiling")
    figure.legend(handles=[band], loc="outside lower left")
    return figure
