"""What the predictors that learn from nobody say of one trace."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.config.components import shipped
from harness.evaluate.predictions import AnyPredictor, Clock, Fold, cut, predictions_of
from harness.schema import Collective, Learned, Trace, at_initialization, demand


def predict(trace: Trace, step: int | None = None) -> pd.DataFrame:
    """The score of a trace by every predictor that needs no other architecture; higher is better.

    Columns: predictor, family, score, reason (why there is no score). `step` is the budget in updates: what the trace
    holds later is not read; None: all of it. Predictors at initialization read step 0 alone. Raises BadInput.

    Examples:
        >>> from harness.schema import Architecture
        >>> table = pd.DataFrame({"step": [0, 10], "epoch": [0.0, 0.5], "train_loss": [float("nan"), 1.5]})
        >>> found = predict(Trace(Architecture("mine", "mine"), 0, table)).set_index("predictor")
        >>> float(found.loc["train_loss", "score"]), found.loc["beta_eff", "reason"]
        (-1.5, 'input column beta_eff is not measured')
    """
    budget = trace.last_step if step is None else step
    demand(budget >= 0, "step", "at least 0", budget)
    rows = [
        (name, predictor.family, *_scored(predictor, trace, 0 if at_initialization(predictor) else budget))
        for name, predictor in shipped("predictor").items()
        if not isinstance(predictor, Learned | Collective)
    ]
    return pd.DataFrame(rows, columns=["predictor", "family", "score", "reason"])


def _scored(predictor: AnyPredictor, trace: Trace, budget: int) -> tuple[float, str]:
    """Score and reason of one trace at a budget."""
    missing = [column for column in predictor.columns if not trace.has(column)]
    if missing:
        noun, verb = ("columns", "are") if len(missing) > 1 else ("column", "is")
        return float("nan"), f"input {noun} {', '.join(missing)} {verb} not measured"
    alone = Fold([], np.array([np.nan]), np.array([0]))
    score, _, reason = predictions_of(predictor, [cut(trace, budget)], alone, Clock())[0]
    return score, reason
