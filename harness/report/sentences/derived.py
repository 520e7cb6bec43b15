"""What in a report is worked out by this project."""

from __future__ import annotations

from harness.report.run_tables import RunTables


def derived(tables: RunTables) -> list[str]:
    """What in this report is worked out by this project and not the wording of the papers, by family present."""
    notes = {
        "capacitance": (
            "β_eff: the definition over a weighted graph P is the paper's (Jiang et al., arXiv 2201.04194). P for "
            "consecutive layers and for convolutions, the coupling by |P| and the evaluation in matrix products are "
            "[derived] (docs/methods.md)."
        ),
        "temporal_graph": (
            "Temporal graphs: the rolled graph is the paper's (Vahedian et al., arXiv 2111.05410). The moments taken "
            "of its node features, the normalisation per layer and the regressor are [derived]."
        ),
        "weight_statistics": (
            "Weight statistics: the seven numbers per tensor are the paper's (Unterthiner et al., arXiv 2002.11448). "
            "How they are brought to one length across architectures is [derived]."
        ),
        "zero_cost": (
            "Zero-cost proxies: the scores are the papers'. How edges that are computed together are counted, which "
            "draws of weights are read and what gives no score is [derived] (docs/methods.md)."
        ),
        "learning_curve": (
            "Learning curves: the curve families of LCE and the idea of CL are the papers' (Domhan et al. 2015; "
            "Chandrashekaran & Lane 2017). Priors, integration and what CL takes from earlier curves are [derived]."
        ),
        "combination": (
            "Combinations: the stack and the recurrent network are [derived]; the aggregate of ranks is that of AZ-NAS."
        ),
    }
    present = set(tables.metrics["family"])
    return [note for family, note in notes.items() if family in present]
