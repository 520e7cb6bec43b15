"""Sweeps from the command line to one table and one page, whatever becomes of their jobs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hydra.core.hydra_config import HydraConfig

from harness.cli.report import main as report
from harness.cli.run import run_and_report
from harness.cli.tabulate import tabulate
from harness.schema import BadInput
from harness.sweep.gather import write_gathered_report, write_gathered_tables
from harness.sweep.job_files import JobResult, is_sweep, record_job
from harness.sweep.launch import make_sweep_folder
from tests.test_journey import SMALL

JOBS = ["-m", "+bench=nasbench201", *SMALL, "bench.source=truth.parquet", "train.epochs=1", "measure=[]",
        "predictor=[flops,params,valacc,train_loss]", "evaluate.bootstrap=40", "report.figures=[]"]  # fmt: skip


@pytest.fixture
def shared(call, tmp_path_factory, monkeypatch) -> Path:
    """A folder with a table of ground truth, the current one; made once, its traces are kept."""
    folder = tmp_path_factory.getbasetemp() / "sweeps"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    if not (folder / "truth.parquet").is_file():
        few = ("architectures=6", "seeds=[0,1]", "train.epochs=1", "out=truth.parquet")
        assert call("+bench=nasbench201", *SMALL, *few, task=tabulate, config="tabulate")[0] == 0
    return folder


def place_in(out: str) -> Path:
    """The folder of the sweep that the printed lines name last."""
    return Path(re.findall(r"^tables (\S+)$", out, re.MULTILINE)[-1])


def test_a_sweep_ends_in_one_table_and_one_page_over_its_jobs_failed_ones_too(call, shared) -> None:
    code, out, err = call(*JOBS, "architectures=5,1", "seed=0,1,2", "results=one", "reports=one/reports")
    place = place_in(out)
    assert code == 2 and place.parent == Path("one/sweeps")
    assert err.splitlines() == [
        f"failed job {number}: must be architectures: at least 2 (got 1" for number in (3, 4, 5)
    ]
    assert re.findall(r"^job \d+: .*$", out, re.MULTILINE)[1] == "job 1: architectures=5 seed=1"
    asked = json.loads((place / "sweep.json").read_text())
    assert asked["jobs"] == 6 and asked["command"].startswith("python -m harness -m +bench=nasbench201 ")
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["setting"].tolist() == ["architectures=5"] * 3 + ["architectures=1"] * 3
    assert jobs["seed"].tolist() == [0, 1, 2] * 2 and jobs["state"].tolist() == ["complete"] * 3 + ["failed"] * 3
    assert jobs["code"].tolist() == [0] * 3 + [2] * 3 and jobs["n"].dropna().tolist() == [5] * 3
    gathered = pd.read_parquet(place / "gathered.parquet")
    assert set(gathered["predictor"]) == {"flops", "params", "valacc", "train_loss"}
    singles = [pd.read_parquet(place / folder / "metrics.parquet") for folder in jobs["folder"][:3]]
    last = gathered[gathered["last"]].set_index("predictor")
    for name in ("flops", "valacc"):
        taus = [table.query(f"predictor == '{name}' and step == step.max()")["tau"].item() for table in singles]
        assert last.loc[name, "tau"] == pytest.approx(pd.Series(taus).mean(), nan_ok=True)
    page = Path("one/reports/sweeps") / place.name / "index.html"
    text = page.read_text()
    assert "6 jobs (3 complete, 3 failed), 1 setting, 3 run seeds, 4 predictors" in text
    for link in re.findall(r'<a href="([^"#]+)">report</a>', text):
        assert (page.parent / link).is_file()
    assert text.count(">report</a>") == 3 and "architectures: at least 2" in text
    for name in ("tau_by_setting.pdf", "critical_difference.png"):
        assert (page.parent / "figures" / name).is_file()
    assert f"report {page}" in out and "rank: average over 3 runs, 1 is best" in out
    assert all(len(line) <= 80 for line in out.splitlines() if "tables" not in line and "report" not in line)

    before = text, (page.parent / "report.md").read_text(), (place / "status.json").read_text()
    assert report([str(place), "--out", str(page.parent)]) == 0
    assert (page.read_text(), (page.parent / "report.md").read_text(), (place / "status.json").read_text()) == before


def test_a_job_that_raises_anything_does_not_stop_the_gathering(call, shared) -> None:
    code, out, err = call(*JOBS, "architectures=4", "seed=0,1,2", "results=two", "reports=two/reports", task=breaking)
    jobs = pd.read_parquet(place_in(out) / "jobs.parquet")
    assert code == 1
    assert jobs["state"].tolist() == ["complete", "failed", "complete"]
    assert jobs["reason"][1] == "ZeroDivisionError: division by zero"
    assert "failed job 1: ZeroDivisionError: division by zero" in err


def breaking(config) -> JobResult:
    return run_and_report(config) if config.seed != 1 else JobResult(int(1 / 0))


def test_after_an_interrupt_what_there_is_is_gathered_and_the_interrupt_goes_on(call, shared, capsys) -> None:
    with pytest.raises(KeyboardInterrupt):
        call(*JOBS, "architectures=4", "seed=0,1,2", "results=three", "reports=three/reports", task=interrupted)
    captured = capsys.readouterr()
    jobs = pd.read_parquet(place_in(captured.out) / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "failed"]
    assert "failed job 1: KeyboardInterrupt" in captured.err and "never started: 1 of 3 jobs" in captured.err
    assert "1 never started" in (Path("three/reports/sweeps") / place_in(captured.out).name / "report.md").read_text()


def interrupted(config) -> JobResult:
    if config.seed == 1:
        raise KeyboardInterrupt
    return run_and_report(config)


def test_a_killed_job_is_told_as_unfinished_any_time_later(call, shared, capsys) -> None:
    code, out, _ = call(*JOBS, "architectures=4", "seed=0,1", "results=four", "reports=four/reports")
    place = place_in(out)
    assert code == 0
    told = json.loads((place / "1" / "job.json").read_text())
    begun = told | {"state": "started", "code": 3, "reason": "killed, or still running", "folder": None, "report": None}
    (place / "1" / "job.json").write_text(json.dumps(begun))
    assert report([str(place)]) == 0
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "unfinished"] and jobs["code"].tolist() == [0, 3]
    page = Path("reports/sweeps") / place.name / "index.html"
    assert str(page) in capsys.readouterr().out and "killed, or still running" in page.read_text()


def test_folders_of_runs_are_gathered_as_their_sweep_was(call, shared) -> None:
    _, out, _ = call(*JOBS, "architectures=4,5", "seed=0,1", "results=five", "reports=five/reports")
    swept = pd.read_parquet(place_in(out) / "gathered.parquet")
    assert report(["five/nasbench201-digits", "--out", "five/again"]) == 0
    again = pd.read_parquet("five/again/gathered/gathered.parquet")
    by = ["setting", "predictor", "step"]
    pd.testing.assert_frame_equal(again.sort_values(by, ignore_index=True), swept.sort_values(by, ignore_index=True))
    runs = sorted(Path("five/nasbench201-digits").iterdir())
    page = write_gathered_report(runs[:3], Path("five/some"))
    assert page.is_file() and len(pd.read_parquet("five/some/gathered/jobs.parquet")) == 3
    assert not list(Path("five/nasbench201-digits").glob("*.parquet"))


def test_jobs_of_one_setting_and_seed_count_once(call, shared) -> None:
    _, out, _ = call(*JOBS, "architectures=4", "seed=0", "report.dpi=60,70", "results=six", "reports=six/reports")
    jobs = pd.read_parquet(place_in(out) / "jobs.parquet")
    assert jobs["reason"].tolist() == ["", "same setting and seed as a job above, not counted again"]
    assert set(pd.read_parquet(place_in(out) / "gathered.parquet")["jobs"]) <= {0, 1}


def test_a_run_whose_tables_cannot_be_read_is_a_failed_job(call, shared) -> None:
    _, out, _ = call(*JOBS, "architectures=4", "seed=0,1", "results=seven", "reports=seven/reports")
    place = place_in(out)
    jobs = pd.read_parquet(place / "jobs.parquet")
    (place / jobs["folder"][1] / "scores.parquet").unlink()
    write_gathered_tables([place], place)
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "failed"]
    assert jobs["reason"][1].endswith(
        "scores.parquet: must be an existing file (got missing file); run the same command again"
    )


def test_a_sweep_without_any_table_still_has_its_page_of_reasons(call, shared, capsys) -> None:
    code, out, err = call(*JOBS, "architectures=1,0", "results=eight", "reports=eight/reports")
    assert code == 2 and "no run of this sweep has a Kendall τ" in out and err.count("failed job") == 2
    text = (Path("eight/reports/sweeps") / place_in(out).name / "index.html").read_text()
    assert "2 jobs (2 failed)" in text and "got 0" in text and "<figure" not in text


def test_the_folder_of_a_sweep_may_be_named_and_forgets_earlier_jobs(call, shared) -> None:
    own = ("architectures=4", "results=nine", "reports=nine/reports", "hydra.sweep.dir=nine/it's mine")
    assert call(*JOBS, *own[:3], "hydra.sweep.dir='nine/it\\'s mine'", "seed=0,1")[0] == 0
    assert len(pd.read_parquet("nine/it's mine/jobs.parquet")) == 2
    assert call(*JOBS, *own[:3], "hydra.sweep.dir='nine/it\\'s mine'", "seed=0")[0] == 0
    assert len(pd.read_parquet("nine/it's mine/jobs.parquet")) == 1
    assert Path("nine/reports/sweeps/it's mine/index.html").is_file()


def test_sweeps_that_begin_in_the_same_second_do_not_meet(tmp_path) -> None:
    folders = {make_sweep_folder(tmp_path / "sweeps" / "now", False) for _ in range(3)}
    assert {folder.name for folder in folders} == {"now", "now-2", "now-3"}
    assert make_sweep_folder(tmp_path / "sweeps" / "now", True) == tmp_path / "sweeps" / "now"


def test_a_named_folder_forgets_its_own_jobs_and_nobody_elses(tmp_path) -> None:
    told = {name: tmp_path / name / "job.json" for name in ("0", "inner/0", "sweeps/then/0", "notes")}
    for path in told.values():
        record_job(path.parent, 0, [], "{}", lambda: JobResult(0))
    with pytest.raises(
        BadInput, match=r"^hydra\.sweep\.dir: must be a folder without jobs of others \(got '\S+job\.json'\)$"
    ):
        make_sweep_folder(tmp_path, True)
    assert all(path.is_file() for path in told.values())
    for sweep in (tmp_path, tmp_path / "sweeps" / "then"):
        (sweep / "sweep.json").write_text("{}")
    make_sweep_folder(tmp_path, True)
    assert [name for name, path in told.items() if not path.is_file()] == ["0"]
    make_sweep_folder(tmp_path / "sweeps", True)
    assert told["sweeps/then/0"].is_file()
    with pytest.raises(BadInput, match=r"^hydra\.sweep\.dir: must be a folder \(got 'the file \S+'\)$"):
        make_sweep_folder(told["notes"] / "below", True)


def test_jobs_without_a_number_for_a_folder_are_refused(call, shared) -> None:
    code, _, err = call(*JOBS, "seed=0,1", "results=sub", "hydra.sweep.subdir=mine")
    assert code == 2 and err.startswith("error: must be hydra.sweep.subdir: ${hydra.job.num} (got 'mine'")
    assert not Path("sub").exists()


def test_settings_of_one_run_are_no_blocks_and_only_what_runs_share_is_told(call, shared, capsys) -> None:
    _, out, _ = call(
        *JOBS, "architectures=5", "seed=0", "train.batch=32,64,96", "results=copies", "reports=copies/reports"
    )
    place = place_in(out)
    status = json.loads((place / "status.json").read_text())
    assert (status["blocks"], status["ranked_runs"], status["friedman"]["p"]) == (1, 3, None)
    assert status["note"].startswith("settings of one run are not blocks") and status["ranked_seeds"] == [0]
    assert status["varied"] == ["train.batch"] and status["followed"] == []
    assert "batch" not in status["recipe"] and "epochs" in status["recipe"]
    page = Path("copies/reports/sweeps") / place.name / "index.html"
    assert "settings of one run are not blocks" in page.read_text() and "Over all" not in page.read_text()

    before = {path.name: path.read_bytes() for path in place.glob("*.parquet")} | {
        "": (place / "status.json").read_bytes()
    }
    run = (place / pd.read_parquet(place / "jobs.parquet")["folder"][0]).resolve()
    assert report(["copies", "--out", "copies/all"]) == 0
    assert len(pd.read_parquet("copies/all/gathered/jobs.parquet")) == 3
    assert not list(Path("copies").glob("*.parquet")) and not (Path("copies") / "status.json").exists()
    Path("copies/file").touch()
    for folder in (run, place):
        assert report([str(folder), "--out", "copies/file/below"]) == 2
        assert capsys.readouterr().err.startswith("harness.report: must be out: a folder (got 'the file ")
    said = (place / "sweep.json").read_text()
    (place / "sweep.json").write_text("[")
    assert report([str(place)]) == 2
    (place / "sweep.json").write_text(said)
    assert before == {path.name: path.read_bytes() for path in place.glob("*.parquet")} | {
        "": (place / "status.json").read_bytes()
    }
    (run / "environment.json").unlink()
    assert report([str(place), "--out", "copies/again"]) == 0
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["state"].tolist() == ["failed", "complete", "complete"]
    assert jobs["reason"][0].endswith(
        "environment.json: must be an existing file (got missing file); run the same command again"
    )


def test_what_only_shows_the_configuration_leaves_no_folder(call, shared) -> None:
    assert call("+bench=nasbench201", "results=ten", "hydra.mode=MULTIRUN", "--cfg", "job")[0] == 0
    code, _, err = call("-m", "+bench=nasbench201", "seed=0,1", "results=ten", "--cfg", "job")
    assert (code, err) == (2, "error: must be --cfg: a single run (got -m\n")
    assert not Path("ten").exists()


def test_jobs_in_other_processes_are_gathered_by_their_files(call, shared) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    command = [*JOBS, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "results=joblib", "reports=joblib/reports"]
    code, out, err = call(*command, "architectures=4,1", "seed=0,1")
    jobs = pd.read_parquet(place_in(out) / "jobs.parquet")
    assert code == 2 and err.count("failed job") == 2
    assert jobs["state"].tolist() == ["complete"] * 2 + ["failed"] * 2


def test_a_sweep_of_tabulations_tells_its_jobs_and_has_no_page(call, shared) -> None:
    few = ["+bench=nasbench201", *SMALL, "architectures=2", "seeds=[0]", "train.epochs=1", "results=eleven"]
    code, _, err = call(
        "-m", *few, "seed=0,1", "out=eleven/${seed}.parquet", "train.watch=[valid,test],[valid]",
        task=tabulate, config="tabulate",
    )  # fmt: skip
    assert code == 2 and err.count("failed job") == 2 and "train.watch: [valid, test] is needed" in err
    assert len(list(Path("eleven").glob("*.parquet"))) == 2 and not Path("reports").joinpath("eleven").exists()


def test_a_single_run_writes_no_word_of_a_sweep(call, shared) -> None:
    assert call(*JOBS[1:], "architectures=4", "results=single", "reports=single/reports")[0] == 0
    assert not is_sweep(Path("single")) and not Path("single/sweeps").exists()
    assert HydraConfig.instance() is not None


def test_a_folder_without_anything_is_refused(tmp_path) -> None:
    with pytest.raises(BadInput, match=r"^results: must be a folder of runs or of a sweep \(got "):
        write_gathered_report([tmp_path], tmp_path / "out")


def test_gathering_goes_on_past_a_job_that_left_no_configuration_of_a_run(tmp_path) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    record_job(tmp_path / "0", 0, ["seed=abc"], "seed: abc\n", lambda: JobResult(2, reason="data: a folder is needed"))
    page = write_gathered_report([tmp_path], tmp_path / "out")
    assert "data: a folder is needed" in page.read_text()
