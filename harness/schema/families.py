"""The families of predictors: how each is called and how figures draw it, declared once.

The colours are Okabe and Ito's hues, moved until the nearest two of nine lie three times as far apart as in their
palette for readers with deuteranopia or protanopia (simulated; a search over lightness, chroma and 22 degrees of hue in
OKLab); `dark` was found in the same way for a dark page and is legible as small text there. The colours of
transferability and of descriptions lie as far from these nine as any of their hues.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """`label` is the word of tables and legends, `heading` that of a section; `scale` multiplies the marker's size so
    that all look as large as a disc; an empty `dark` is derived from `colour`. `symbol` is what sentences say instead
    of the label; `derivation` tells what of the family's methods is derived by this project and not by a paper."""

    name: str
    label: str
    heading: str
    colour: str
    dark: str
    marker: str
    scale: float = 1.0
    symbol: str = ""
    derivation: str = ""


_DECLARED = (
    Family(
        "capacitance",
        *("capacitance", "Neural capacitance", "#C94318", "#FC8E6B", "o"),
        symbol="β_eff",
        derivation="the definition over a weighted graph P is the paper's (Jiang et al., arXiv 2201.04194). P for "
        "consecutive layers and for convolutions, the coupling by |P| and the evaluation in matrix products are "
        "[derived] (docs/methods.md).",
    ),
    Family(
        "learning_curve",
        *("learning curve", "Learning curves", "#1059A7", "#4ACDFE", "s"),
        derivation="the curve families of LCE and the idea of CL are the papers' (Domhan et al. 2015; "
        "Chandrashekaran & Lane 2017). Priors, integration and what CL takes from earlier curves are [derived].",
    ),
    Family("movement", "movement", "Weight displacement", "#20B087", "#299264", "^", 1.1),
    Family(
        "weight_statistics",
        *("weight statistics", "Accuracy from weights", "#F488C4", "#FD94D5", "D"),
        derivation="the seven numbers per tensor are the paper's (Unterthiner et al., arXiv 2002.11448). How they are "
        "brought to one length across architectures is [derived].",
    ),
    Family(
        "temporal_graph",
        *("temporal graph", "Temporal graph of training", "#3E8EF2", "#2B8EDE", "v", 1.1),
        derivation="the rolled graph is the paper's (Vahedian et al., arXiv 2111.05410). The moments taken of its node "
        "features, the normalisation per layer and the regressor are [derived].",
    ),
    Family(
        "zero_cost",
        *("zero cost", "Zero-cost proxies", "#C69E24", "#FAC987", "P", 1.15),
        derivation="the scores are the papers'. How edges that are computed together are counted, which draws of "
        "weights are read and what gives no score is [derived] (docs/methods.md).",
    ),
    Family(
        "transferability",
        *("transferability", "Transferability of a pre-trained network", "#4B1FC8", "#DF74FE", ">", 1.1),
        derivation="the scores are the papers'. What is followed where an equation and its authors' code differ, and "
        "what gives no score, is [derived] (docs/methods.md).",
    ),
    Family(
        "combination",
        *("combination", "Combinations", "#61422C", "#C18B19", "*", 1.5),
        derivation="the stack and the recurrent network are [derived]; the aggregate of ranks is that of AZ-NAS.",
    ),
    Family(
        "description",
        *("description", "Descriptions: nothing is built or trained", "#879550", "#D4F53A", "p", 1.15),
        derivation="the static rank is [derived] (docs/methods.md).",
    ),
    Family("size", "size", "Size", "#212121", "#EEEEEE", "h"),
    Family("control", "control", "Controls of the neural capacitance", "#797979", "#A2A2A2", "X", 1.1),
)

FAMILIES = {family.name: family for family in _DECLARED}
"""Every family of this package, in the order of headings and legends."""

_SPARE_COLOURS, _SPARE_MARKERS = ("#882255", "#999933", "#332288", "#AA4499"), ("d", "<", "8", "H")


def family(name: str) -> Family:
    """The family of that name; one of a user's own package has a spare colour and marker, the same in every run."""
    known = FAMILIES.get(name)
    if known is not None:
        return known
    place = sum(name.encode())
    colour, words = _SPARE_COLOURS[place % len(_SPARE_COLOURS)], name.replace("_", " ")
    return Family(name, words, words, colour, "", _SPARE_MARKERS[place % len(_SPARE_MARKERS)])
