"""Every column of every stored table, declared once: writing validates against it, reading and docs/results.md use it.

A value with an interval is three columns: `x`, `x_low`, `x_high`. Percentages are 0 to 100, shares and τ at most 1.
"""

from __future__ import annotations

from dataclasses import replace

from harness.schema.table import Column, Table, count, estimate, flag, number, text

PLAIN_ENDS = ("low", "high")
"""The ends of the only interval of a table."""

_ARCHITECTURE = text("architecture", "name of the architecture")
_PREDICTOR = text("predictor", "name of the predictor")
_FAMILY = text("family", "family of the predictor")
_STEP = count("step", "budget", "updates")
_COST = (
    number("epoch", "budget in passes over the training images", "epochs", nullable=False),
    count("images", "budget in training images, repetitions counted", "images"),
    number("seconds", "query time: measured cost of the score of one more architecture; nan: not recorded", "s"),
    number(
        "fitted_on", "trainings that a learned predictor is fitted on, mean over the folds; 0: none", nullable=False
    ),
)

ARCHITECTURES = Table(
    "architectures",
    "an architecture",
    (
        _ARCHITECTURE,
        text("group", "isomorphism class or family: folds never separate architectures of one group"),
        flag("dead", "no path from input to output carries a signal"),
        count("index", "official index in the benchmark; null: none", nullable=True),
        number("truth", "ground truth: accuracy, mean over the recorded seeds", "%"),
        replace(text("note", "what to know of it before comparing; only where some have one"), optional=True),
        replace(
            number("params", "trained parameters; only where the benchmark says where it comes from"), optional=True
        ),
        replace(text("origin", "where it comes from; only where the benchmark says so"), optional=True),
    ),
)

TRUTH = Table(
    "truth",
    "a recorded seed of an architecture",
    (
        _ARCHITECTURE,
        text("seed", "seed of the full training, as the benchmark names it"),
        number("accuracy", "accuracy at the end of that training", "%", nullable=False),
    ),
)

SCORES = Table(
    "scores",
    "a score: a predictor, a budget and an architecture",
    (
        _PREDICTOR,
        _STEP,
        _ARCHITECTURE,
        number("score", "higher is better; nan: no score"),
        number("sd", "standard deviation of the score; nan: the predictor gives none"),
        text("reason", "why there is no score; empty where there is one"),
    ),
)

METRICS = Table(
    "metrics",
    "a predictor at a budget",
    (
        _PREDICTOR,
        _FAMILY,
        flag(
            "baseline", "may be a baseline: reads nothing under study, in `evaluate.baselines`, see `learned_baselines`"
        ),
        flag("studied", "the predictor or its family is named in `evaluate.studied`"),
        _STEP,
        count("n", "architectures with a score and a ground truth"),
        count("failed", "architectures with a ground truth and no score"),
        *estimate("tau", "Kendall τ-b of scores and ground truth"),
        *estimate("spearman", "Spearman's ρ"),
        *estimate("tau_half", "τ-b among the top 50 % by ground truth"),
        *estimate("tau_fifth", "τ-b among the top 20 %"),
        *estimate("tau_tenth", "τ-b among the top 10 %"),
        *estimate("weighted_tau", "weighted τ: pairs of good architectures weigh more"),
        *estimate("half_accuracy", "share of architectures put on the right side of the median"),
        *estimate("pearson", "Pearson's r; only where `evaluate.pearson` is true", optional=True),
        *estimate("tau_groups", "τ-b between groups (families); only where a group has several", optional=True),
        *estimate("tau_given_train_loss", "partial τ given the training loss"),
        *estimate("tau_given_flops", "partial τ given the multiply-adds"),
        *estimate("tau_given_params", "partial τ given the number of parameters"),
        *estimate("tau_given_train_loss_and_flops", "partial τ given both"),
        count("n_half", "architectures behind `tau_half`"),
        count("n_fifth", "architectures behind `tau_fifth`"),
        count("n_tenth", "architectures behind `tau_tenth`"),
        text("note", "why a number is missing; empty where none is"),
        *_COST,
        number(
            "initial_seconds", "initialization time: the trainings it is fitted on and one fit; 0: not learned", "s"
        ),
        flag("front", "on the Pareto front of `seconds` and `tau` over all predictors and budgets"),
    ),
)

DIFFERENCES = Table(
    "differences",
    "a predictor at a budget",
    (
        _PREDICTOR,
        _STEP,
        text("baseline", "the other baseline of highest τ at that budget; empty: there is none"),
        *estimate("difference", "τ-b less that of the baseline, paired", ends=PLAIN_ENDS),
        count("n", "architectures that both score"),
        number("p", "two-sided permutation test"),
        number("p_holm", "`p` adjusted for all comparisons at that budget (Holm)"),
        number("detectable", "minimum detectable difference of τ at 80 % power (uncorrected)"),
    ),
)

ABLATIONS = Table(
    "ablations",
    "a predictor and its twin, the same settings without one group of inputs, at a budget",
    (
        _PREDICTOR,
        text("group", "the inputs that the twin does not read"),
        _STEP,
        number("tau", "τ-b of the predictor"),
        number("tau_without", "τ-b of the twin"),
        *estimate("difference", "τ-b less that of the twin, paired", ends=PLAIN_ENDS),
        count("n", "architectures that both score"),
    ),
)

CEILING = Table(
    "ceiling",
    "a subset of architectures and a kind of noise ceiling",
    (
        text("subset", "`all`, or a subset of highest ground truth"),
        text("kind", "`retraining` (test–retest) or `oracle` (the expected accuracy is known)"),
        *estimate("tau", "τ-b that noise in the ground truth allows", ends=PLAIN_ENDS),
        number("tau_one", "τ-b that one fresh training per architecture reaches; nan for `oracle`"),
        count("seeds", "most recorded seeds of an architecture"),
        count("n", "architectures in the subset"),
        text("note", "why there is no ceiling; empty where there is one"),
    ),
)

SELECTION = Table(
    "selection",
    "a predictor at a budget and a k",
    (
        _PREDICTOR,
        _STEP,
        count("k", "how many architectures of highest score are chosen"),
        *estimate("precision", "share of the chosen that are among the k best by ground truth"),
        *estimate("regret", "ground truth of the best less that of the best chosen", "percentage points"),
        count("n", "architectures with a score"),
    ),
)

TARGETS = Table(
    "targets",
    "a predictor at a budget and a further ground truth (only in runs with `targets`)",
    (
        text("target", "data set or file of that ground truth, as `targets` names it"),
        _PREDICTOR,
        _STEP,
        *estimate("tau", "Kendall τ-b of the run's scores and that ground truth", ends=PLAIN_ENDS),
        count("n", "architectures with a score and an accuracy there"),
    ),
)

ELSEWHERE = Table(
    "elsewhere",
    "an accuracy of an architecture on another data set (only where the benchmark knows some)",
    (
        _ARCHITECTURE,
        text("dataset", "the data set"),
        count("seed", "seed of that training"),
        number("accuracy", "its accuracy", "percent", nullable=False),
    ),
)

PAIRS = Table(
    "pairs",
    "a predictor at a budget and a range of differences in accuracy",
    (
        _PREDICTOR,
        _STEP,
        number("gap_low", "smallest difference, excluded", "percentage points", nullable=False),
        number("gap_high", "largest difference, included; inf: no limit", "percentage points", nullable=False),
        count("pairs", "pairs of architectures that differ by that much"),
        count("disjoint", "lower bound of the pairs that share no architecture; exact where 1"),
        *estimate("accuracy", "share of pairs ranked as the ground truth ranks them; chance is .5", ends=PLAIN_ENDS),
    ),
)

TIME_TO_TAU = Table(
    "time_to_tau",
    "a predictor that reaches a target τ, at its cheapest budget",
    (
        number("target", "the τ-b that is reached", nullable=False),
        _PREDICTOR,
        _FAMILY,
        _STEP,
        *_COST,
        *estimate("tau", "τ-b at that budget", ends=PLAIN_ENDS),
    ),
)

EDGES = Table(
    "edges",
    "an edge of an architecture's cell; no row where the benchmark draws none",
    (
        _ARCHITECTURE,
        text("source", "node that the edge leaves"),
        text("target", "node that the edge enters"),
        text("operation", "operation on the edge"),
    ),
)

FAILURES = Table(
    "failures",
    "something that gave no number",
    (
        text("stage", "`train`, `measure` or `score`"),
        text("architecture", "name of the architecture"),
        text("predictor", "name of the predictor; empty before scoring"),
        count("step", "when", "updates"),
        text("reason", "why"),
    ),
)

TRAJECTORIES = Table(
    "trajectories",
    "an observation of a training; every further number column of the traces is there too",
    (
        _ARCHITECTURE,
        count("step", "updates made", "updates"),
        number("epoch", "passes over the training images", "epochs", nullable=False),
        number("seconds", "training time so far", "s"),
    ),
    further=True,
)

JOBS = Table(
    "jobs",
    "a job of the sweep, or a run",
    (
        count("job", "number of the job"),
        text("setting", "what varied, such as `dataset=digits`; jobs that differ in the seed alone share it"),
        count("seed", "run seed; null: not recorded", nullable=True),
        text("overrides", "the job's own command-line overrides"),
        text("folder", "folder of the run's tables, relative to that of this table; empty: none"),
        text("report", "folder of the run's page, likewise"),
        text("bench", "benchmark"),
        text("dataset", "data set"),
        text("state", "`complete`, `partial`, `failed` or `unfinished`"),
        count("code", "exit code"),
        text("reason", "what is wrong with it; empty: nothing"),
        count("n", "architectures with a ground truth; null: not gathered", nullable=True),
        count("step", "the run's last budget; null: not gathered", "updates", nullable=True),
    ),
)

GATHERED = Table(
    "gathered",
    "a predictor at a budget in a setting",
    (
        text("setting", "the setting, as in `jobs`"),
        _PREDICTOR,
        _FAMILY,
        _STEP,
        flag("last", "the setting's last budget"),
        count("jobs", "runs in which the predictor has a τ"),
        count("n", "scores in all of these runs"),
        *estimate("tau", "τ-b, mean over these runs", ends=PLAIN_ENDS),
        number("sd", "standard deviation of τ-b between these runs; nan for one"),
        text("baseline", "the other baseline of highest mean τ in that setting; empty: there is none"),
        *estimate("difference", "τ-b less that of the baseline, paired, mean over runs"),
    ),
)

GATHERED_TARGETS = Table(
    "gathered_targets",
    "a predictor and a further ground truth at the last budget of a setting; no row where no run has `targets`",
    (
        text("setting", "the setting, as in `jobs`"),
        text("target", "data set or file of that ground truth"),
        _PREDICTOR,
        count("jobs", "runs in which the predictor has a τ with it"),
        count("n", "scores in all of these runs"),
        number("tau", "τ-b, mean over these runs"),
        number("sd", "standard deviation of τ-b between these runs; nan for one"),
    ),
)

RANKS = Table(
    "ranks",
    "a predictor with a τ in every run",
    (
        _PREDICTOR,
        _FAMILY,
        number("rank", "average rank over blocks; 1 is best", nullable=False),
        count("blocks", "distinct benchmark, data set and run seed; within one, τ is averaged over settings"),
        count("first_group", "first group of predictors that do not differ significantly; 0: in none"),
        count("last_group", "last such group; 0: in none"),
    ),
)

CURVES = Table(
    "curves",
    "an architecture, a seed and an epoch of a full training",
    (
        _ARCHITECTURE,
        Column("seed", "int64", "seed of the training"),
        Column("epoch", "int16", "passes over the training images", "epochs"),
        *(
            Column(name, "float32", meaning, unit, nullable=True)
            for name, meaning, unit in (
                ("train_loss", "training loss, mean over the batches of the epoch", "nats"),
                ("valid_loss", "loss on the validation images", "nats"),
                ("valid_accuracy", "accuracy on the validation images", "%"),
                ("test_loss", "loss on the test images", "nats"),
                ("test_accuracy", "accuracy on the test images", "%"),
            )
        ),
    ),
)

_RUN = (
    *(ARCHITECTURES, TRUTH, EDGES, SCORES, METRICS, DIFFERENCES, ABLATIONS, CEILING, SELECTION, PAIRS, TIME_TO_TAU),
    *(FAILURES, TRAJECTORIES),
)

RUN_TABLES = {table.name: table for table in _RUN}
"""The tables of a run's results folder."""

OPTIONAL_TABLES = {table.name: table for table in (TARGETS, ELSEWHERE)}
"""Tables that the folders of some runs have."""

SWEEP_TABLES = {table.name: table for table in (JOBS, GATHERED, GATHERED_TARGETS, RANKS)}
"""The tables of a sweep's folder."""
