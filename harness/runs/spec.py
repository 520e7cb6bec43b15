"""One run, every part of it built and checked before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.evaluate.settings import Evaluation
from harness.runs.engine import Engine
from harness.schema import (
    BASE_COLUMNS,
    FACT_COLUMNS,
    Benchmark,
    Collective,
    DataSet,
    Learned,
    Measure,
    Predictor,
    Recording,
    StoredCurves,
    Targeted,
    demand,
    description_columns,
    facts_of,
    is_property,
    settings,
)
from harness.train.job import clocks
from harness.train.recipe import Recipe

CLOCK = ("step", "epoch", "seconds")


@dataclass(frozen=True)
class RunSpec:
    """One run, every part of it built and checked; `settings` is the configuration it came from, as YAML text."""

    bench: Benchmark
    dataset: DataSet
    recipe: Recipe
    measures: Mapping[str, Measure]
    predictors: Mapping[str, Predictor | Collective | Learned]
    evaluation: Evaluation
    engine: Engine
    seed: int
    architectures: int | None
    """How many are drawn; None: all that have a ground truth."""
    data: str | None
    results: Path
    settings: str
    fit_benches: Sequence[Benchmark] = ()
    """Networks that learned predictors are fitted on; empty: those that are scored."""
    signal: StoredCurves | None = None
    """Recorded curves that are read instead of training."""
    automatic: bool = False
    """The command line lists no predictors: those with an input that is not measured are skipped, not refused."""
    named: Sequence[str] = ()
    """Predictors that are refused all the same, as the command line names them."""
    unasked: Sequence[str] = ()
    """Measures that the command line took because it names none: those that do not fit the networks are left out."""
    skipped: Mapping[str, Sequence[str]] = field(default_factory=dict, init=False)
    """Predictors that are skipped, with their input columns that are not measured."""
    skip: int = 0
    """Number of architectures at the beginning of the draw that are left out."""
    targets: Sequence[str] = ()
    """Further ground truths that the same scores are held against: names of data sets, or paths of tables."""
    sample: Sequence[object] = ()
    """Architectures that are taken instead of a draw, in any notation or by official index; empty: they are drawn."""
    command: str = ""
    """The command line that starts this run again; empty where it is not known."""

    def __post_init__(self) -> None:
        few = self.architectures is not None and self.architectures < 2
        demand(not few, "architectures", "at least 2 (or null: all)", self.architectures)
        demand(self.skip >= 0, "skip", "at least 0", self.skip)
        self._demand_targets()
        demand(not (self.skip and self.sample), "skip", "0 where a sample is given", self.skip)
        demand(bool(self.predictors), "predictor", "at least one predictor", list(self.predictors))
        trained = [*self.measures, *self.fit_benches]
        demand(self.signal is None or not trained, "signal", "null where a measure or fit_on is set", trained)
        self._demand_one_writer()
        self._skip_unmeasured(self._leave_out())
        self.studied()  # raises BadInput for an unknown name
        self.evaluation.demand_baselines({name: predictor.family for name, predictor in self.predictors.items()})

    def _demand_targets(self) -> None:
        """Raise BadInput for targets of a benchmark that has one ground truth, and for one that is named twice."""
        once = all(self.targets) and len(set(self.targets)) == len(self.targets)
        demand(once, "targets", "a list of different data sets or tables (or null)", list(self.targets))
        able = not self.targets or isinstance(self.bench, Targeted)
        demand(able, "targets", f"null for {self.bench.name}, which has no further ground truth", list(self.targets))

    def _demand_one_writer(self) -> None:
        """Raise BadInput where two parts of the run write one column."""
        own = (*CLOCK, *FACT_COLUMNS, *description_columns(self.bench), *BASE_COLUMNS, "test_loss", "test_accuracy")
        written = Counter([*own, *(column for measure in self.measures.values() for column in measure.columns)])
        twice = [column for column, times in written.items() if times > 1]
        demand(not twice, "measure", "columns that nothing else writes", twice)

    def _leave_out(self) -> dict[str, str]:
        """Leave out unasked measures of pre-trained networks where there are none; their columns and names.

        What is left out so was never meant to take part, so that nothing is said of it; nor of facts and
        descriptions that the benchmark does not state, which have no name here.
        """
        pretrained = all(getattr(bench, "pretrained", False) for bench in (self.bench, *self.fit_benches))
        chosen = {name: m for name, m in self.measures.items() if name in self.unasked}
        unfit = {n: m for n, m in chosen.items() if getattr(m, "needs_source_model", False) and not pretrained}
        object.__setattr__(self, "measures", {name: m for name, m in self.measures.items() if name not in unfit})
        read = {column for predictor in self.predictors.values() for column in predictor.columns if is_property(column)}
        unstated = dict.fromkeys(read - {*facts_of(self.bench), *description_columns(self.bench)}, "")
        return unstated | {column: name for name, measure in unfit.items() for column in measure.columns}

    def _skip_unmeasured(self, left_out: Mapping[str, str]) -> None:
        """Skip predictors with an input that is not measured, or raise BadInput where one of them is named.

        `left_out` has columns that a measure would write which was left out, with its name: a predictor that lacks
        nothing else is left out with it.
        """
        measured = set(self.clock_of())
        missing = {name: sorted(set(p.columns) - measured) for name, p in self.predictors.items()}
        if self.automatic:
            skipped = {name: columns for name, columns in missing.items() if columns and name not in self.named}
            kept = {name: p for name, p in self.predictors.items() if name not in skipped}
            told = {name: columns for name, columns in skipped.items() if not set(columns) <= set(left_out)}
            object.__setattr__(self, "skipped", told)
            object.__setattr__(self, "predictors", kept)
            demand(bool(kept), "measure", "a measure with a column that some predictor reads", sorted(measured))
        for name in self.predictors:
            columns = missing[name]
            writers = sorted({left_out[column] for column in columns if left_out.get(column)})
            hint = "".join(f"; +measure={writer} reads networks that are not pre-trained too" for writer in writers)
            wanted = f"a predictor whose inputs are measured ({', '.join(sorted(measured))}{hint})"
            demand(not columns, f"predictor.{name}", wanted, columns)

    def budgets(self, train_images: int) -> list[int]:
        """Steps at which predictors are judged: those of `evaluate.budgets`, else every observed step, 0 included.

        Raises BadInput for a budget at which nothing is observed.
        """
        observed = self.recipe.observed_steps(train_images)
        wanted = observed if self.evaluation.budgets is None else self.evaluation.budgets
        there = f"steps that are observed ({', '.join(map(str, observed))})"
        demand(set(wanted) <= set(observed), "evaluate.budgets", there, wanted)
        return list(wanted)

    def twins(self) -> dict[str, tuple[str, str]]:
        """Predictors that are another one without one more group of inputs: the other's name and the group."""
        inputs = {n: set(p.without) for n, p in self.predictors.items() if hasattr(p, "without")}
        found = {}
        for name, fewer in inputs.items():
            for other, more in inputs.items():
                mine, others = settings(self.predictors[name]), settings(self.predictors[other])
                alike = mine | {"without": None} == others | {"without": None}
                if alike and fewer > more and len(fewer - more) == 1:
                    found[name] = (other, next(iter(fewer - more)))
        return found

    def studied(self) -> set[str]:
        """Predictors under study: those that `evaluate.studied` names, or whose family it names."""
        return self.evaluation.studied_of({name: predictor.family for name, predictor in self.predictors.items()})

    def readers_of_studied(self) -> set[str]:
        """Predictors that read an input under study, so that they are no baselines.

        Such inputs are what measures of a studied family write and what studied predictors read, without the columns
        that every run has.
        """
        names = set(self.evaluation.studied)
        common = {*CLOCK, *FACT_COLUMNS, *description_columns(self.bench), *BASE_COLUMNS}
        own = {column for name in self.studied() for column in self.predictors[name].columns} - common
        own |= {c for m in self.measures.values() if getattr(m, "family", "") in names for c in m.columns}
        return {name for name, predictor in self.predictors.items() if own & set(predictor.columns)}

    def not_baselines(self) -> set[str]:
        """Predictors that read an input under study, or are fitted where `Evaluation.learned_baselines` bars these."""
        fitted = {name for name, predictor in self.predictors.items() if isinstance(predictor, Learned)}
        return self.readers_of_studied() | (set() if self.evaluation.learned_baselines else fitted)

    def clock_of(self) -> dict[str, str]:
        """For each column of a trace the column with the seconds of its readings, "" where it costs nothing to read."""
        free = dict.fromkeys((*CLOCK, *facts_of(self.bench), "train_loss", "train_accuracy"), "")
        free |= dict.fromkeys(description_columns(self.bench), "")
        if self.signal is not None and isinstance(self.bench, Recording):
            free |= dict.fromkeys(self.bench.recorded_columns, "")
        return free | clocks(self.measures, self.recipe)
