"""Sweeps from the command line to one table and one page, whatever becomes of their jobs."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

from harness.cli.report import main as report
from harness.cli.run import run_and_report
from harness.cli.tabulate import tabulate
from harness.schema import BadInput
from harness.sweep.gather import write_gathered_report, write_gathered_tables
from harness.sweep.job_files import JobResult, is_sweep, read_jobs, record_job
from harness.sweep.launch import make_sweep_folder
from tests.conftest import SMALL, Tabulated

JOBS = ["-m", "+bench=nasbench201", *SMALL, "bench.source=truth.parquet", "train.epochs=1", "measure=[]",
        "predictor=[flops,params,valacc,train_loss]", "evaluate.bootstrap=40", "report.figures=[]", "report.dpi=50",
        "results=all"]  # fmt: skip
"""A sweep; its runs of five architectures are trained and judged once, by the first test that asks for them."""

NUMBERS = count()


@pytest.fixture
def own(tabulated: Tabulated, monkeypatch: pytest.MonkeyPatch) -> str:
    """A name for the reports of one test, in the folder that all tests share."""
    monkeypatch.chdir(tabulated.folder)
    return f"reports{next(NUMBERS)}"


def place_in(out: str) -> Path:
    """The folder of the sweep that the printed lines name last."""
    return Path(re.findall(r"^tables (\S+)$", out, re.MULTILINE)[-1])


@pytest.mark.slow
def test_a_sweep_ends_in_one_table_and_one_page_over_its_jobs_failed_ones_too(call, own: str) -> None:
    code, out, err = call(*JOBS, "architectures=5,99", "seed=0,1,2", f"reports={own}")
    place = place_in(out)
    assert code == 2 and place.parent == Path("all/sweeps")
    classes = "isomorphism classes of the 6 strings with a ground truth"
    failed = f"architectures: must be a count from 1 to 6 ({classes}) (got 99)"
    assert err.splitlines() == [f"failed job {number}: {failed}" for number in (3, 4, 5)]
    assert re.findall(r"^job \d+: .*$", out, re.MULTILINE)[1] == "job 1: architectures=5 seed=1"
    asked = json.loads((place / "sweep.json").read_text())
    assert asked["jobs"] == 6 and asked["command"].startswith("python -m harness -m +bench=nasbench201 ")
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["setting"].tolist() == ["architectures=5"] * 3 + ["architectures=99"] * 3
    assert jobs["seed"].tolist() == [0, 1, 2] * 2 and jobs["state"].tolist() == ["complete"] * 3 + ["failed"] * 3
    assert jobs["code"].tolist() == [0] * 3 + [2] * 3 and jobs["n"].dropna().tolist() == [5] * 3
    gathered = pd.read_parquet(place / "gathered.parquet")
    assert set(gathered["predictor"]) == {"flops", "params", "valacc", "train_loss"}
    singles = [pd.read_parquet(place / folder / "metrics.parquet") for folder in jobs["folder"][:3]]
    last = gathered[gathered["last"]].set_index("predictor")
    for name in ("flops", "valacc"):
        taus = [table.query(f"predictor == '{name}' and step == step.max()")["tau"].item() for table in singles]
        assert last.loc[name, "tau"] == pytest.approx(pd.Series(taus).mean(), nan_ok=True)
    page = Path(own) / "sweeps" / place.name / "index.html"
    text = page.read_text()
    assert "6 jobs (3 complete, 3 failed), 1 setting, 3 run seeds, 4 predictors" in text
    links = re.findall(r'<a href="([^"#]+)">report</a>', text)
    assert len(links) == 3 and all((page.parent / link).is_file() for link in links)
    assert {(page.parent / link).resolve().parent.name for link in links} == {
        (place / folder).resolve().name for folder in jobs["folder"][:3]
    }
    assert failed in text
    for name in ("tau_by_setting.pdf", "critical_difference.png"):
        assert (page.parent / "figures" / name).is_file()
    assert f"report {page}" in out and "rank: average over 3 runs, 1 is best" in out
    assert all(len(line) <= 80 for line in out.splitlines() if "tables" not in line and "report" not in line)

    before = text, (page.parent / "report.md").read_text(), (place / "status.json").read_text()
    assert report([str(place), "--out", str(page.parent)]) == 0
    assert (page.read_text(), (page.parent / "report.md").read_text(), (place / "status.json").read_text()) == before


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_job_that_raises_stops_no_other_job_and_is_raised_when_all_is_gathered(call, own: str, capsys) -> None:
    with pytest.raises(ZeroDivisionError):
        call(*JOBS, "architectures=5", "seed=0,1,2", f"reports={own}", task=breaking)
    captured = capsys.readouterr()
    jobs = pd.read_parquet(place_in(captured.out) / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "failed", "complete"]
    assert jobs["reason"][1] == "ZeroDivisionError: division by zero"
    assert "failed job 1: ZeroDivisionError: division by zero" in captured.err


def breaking(config) -> JobResult:
    return run_and_report(config) if config.seed != 1 else JobResult(int(1 / 0))


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_an_interrupt_ends_a_sweep_at_once_in_one_line_and_the_jobs_so_far_can_be_gathered(
    call, own: str, tmp_path: Path
) -> None:
    place = tmp_path / "sweep"
    where = (f"reports={own}", f"hydra.sweep.dir={place}")
    code, _, err = call(*JOBS, "architectures=5", "seed=0,1,2", *where, task=interrupted)
    assert code == 130 and err == "interrupted; re-run the same command to resume\n"
    page = write_gathered_report([place], Path(own) / "gathered")
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "failed"] and jobs["reason"][1] == "KeyboardInterrupt"
    assert "1 never started" in page.with_name("report.md").read_text()


def interrupted(config) -> JobResult:
    if config.seed == 1:
        raise KeyboardInterrupt
    return run_and_report(config)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_sweep_that_changed_since_is_gathered_as_its_files_are_now(call, own: str, capsys) -> None:
    code, out, _ = call(*JOBS, "architectures=5,4", "seed=0,1", f"reports={own}")
    place = place_in(out)
    assert code == 0
    swept = pd.read_parquet(place / "gathered.parquet")
    runs = [(place / folder).resolve() for folder in pd.read_parquet(place / "jobs.parquet")["folder"]]
    page = write_gathered_report(runs, Path(own) / "again")  # folders of runs are gathered as their sweep was
    again = pd.read_parquet(page.parent / "gathered" / "gathered.parquet")
    by = ["setting", "predictor", "step"]
    pd.testing.assert_frame_equal(again.sort_values(by, ignore_index=True), swept.sort_values(by, ignore_index=True))
    assert not list(runs[0].parent.glob("*.parquet"))

    job = place / "1" / "job.json"
    killed = {"state": "started", "code": 3, "reason": "killed, or still running", "folder": None, "report": None}
    job.write_text(json.dumps(json.loads(job.read_text()) | killed))
    assert report([str(place)]) == 0
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "unfinished", "complete", "complete"]
    assert jobs["code"].tolist() == [0, 3, 0, 0]
    page = Path("reports/sweeps") / place.name / "index.html"
    assert str(page) in capsys.readouterr().out and "killed, or still running" in page.read_text()

    (runs[3] / "scores.parquet").unlink()
    (runs[2] / "environment.json").unlink()
    write_gathered_tables([place], place)
    jobs = pd.read_parquet(place / "jobs.parquet")
    assert jobs["state"].tolist() == ["complete", "unfinished", "failed", "failed"]
    for number, name in ((2, "environment.json"), (3, "scores.parquet")):
        assert f"{name}: must be an existing file (got missing file)" in jobs["reason"][number]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_jobs_of_one_setting_and_seed_count_once(call, own: str) -> None:
    _, out, _ = call(*JOBS, "architectures=5", "seed=0", "report.dpi=60,70", f"reports={own}")
    jobs = pd.read_parquet(place_in(out) / "jobs.parquet")
    assert jobs["reason"].tolist() == ["", "same setting and seed as a job above, not counted again"]
    assert set(pd.read_parquet(place_in(out) / "gathered.parquet")["jobs"]) <= {0, 1}


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_without_any_table_still_has_its_page_of_reasons(call, own: str) -> None:
    code, out, err = call(*JOBS, "architectures=98,99", f"reports={own}")
    assert code == 2 and "no run of this sweep has a Kendall τ" in out and err.count("failed job") == 2
    text = (Path(own) / "sweeps" / place_in(out).name / "index.html").read_text()
    assert "2 jobs (2 failed)" in text and "got 99" in text and "<figure" not in text


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_the_folder_of_a_sweep_may_be_named_and_forgets_earlier_jobs(call, own: str) -> None:
    named = (f"reports={own}", "hydra.sweep.dir='nine/it\\'s mine'")
    assert call(*JOBS, "architectures=98,99", *named)[0] == 2
    assert len(pd.read_parquet("nine/it's mine/jobs.parquet")) == 2
    assert call(*JOBS, "architectures=99", *named)[0] == 2
    assert len(pd.read_parquet("nine/it's mine/jobs.parquet")) == 1
    assert (Path(own) / "sweeps" / "it's mine" / "index.html").is_file()


def test_sweeps_that_begin_in_the_same_second_do_not_meet(tmp_path) -> None:
    folders = {make_sweep_folder(tmp_path / "sweeps" / "now", False) for _ in range(3)}
    assert {folder.name for folder in folders} == {"now", "now-2", "now-3"}
    assert make_sweep_folder(tmp_path / "sweeps" / "now", True) == tmp_path / "sweeps" / "now"


def test_a_named_folder_forgets_its_own_jobs_and_no_others(tmp_path) -> None:
    files = {name: tmp_path / name / "job.json" for name in ("0", "inner/0", "sweeps/then/0", "notes")}
    for path in files.values():
        record_job(path.parent, 0, [], "{}", lambda: JobResult(0))
    refused = r"^hydra\.sweep\.dir: must be a folder without the jobs of another program \(got '\S+job\.json'\)$"
    with pytest.raises(BadInput, match=refused):
        make_sweep_folder(tmp_path, True)
    assert all(path.is_file() for path in files.values())
    for sweep in (tmp_path, tmp_path / "sweeps" / "then"):
        (sweep / "sweep.json").write_text("{}")
    make_sweep_folder(tmp_path, True)
    assert [name for name, path in files.items() if not path.is_file()] == ["0"]
    make_sweep_folder(tmp_path / "sweeps", True)
    assert files["sweeps/then/0"].is_file()
    with pytest.raises(BadInput, match=r"^hydra\.sweep\.dir: must be a folder \(got 'the file \S+'\)$"):
        make_sweep_folder(files["notes"] / "below", True)


@pytest.mark.usefixtures("undrawn")
def test_jobs_without_a_number_for_a_folder_are_refused(call, own: str) -> None:
    code, _, err = call(*JOBS, "seed=0,1", "results=sub", "hydra.sweep.subdir=mine")
    assert (code, err) == (2, "error: hydra.sweep.subdir: must be ${hydra.job.num} (got 'mine')\n")
    assert not Path("sub").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_settings_of_one_run_are_no_blocks_and_only_what_runs_share_is_reported(call, own: str, capsys) -> None:
    _, out, _ = call(*JOBS, "architectures=5", "seed=0", "train.batch=32,64,96", "results=copies", f"reports={own}")
    place = place_in(out)
    status = json.loads((place / "status.json").read_text())
    assert (status["blocks"], status["ranked_runs"], status["friedman"]["p"]) == (1, 3, None)
    assert status["note"].startswith("settings of one run are not blocks") and status["ranked_seeds"] == [0]
    assert status["varied"] == ["train.batch"] and status["followed"] == []
    assert "batch" not in status["recipe"] and "epochs" in status["recipe"]
    page = Path(own) / "sweeps" / place.name / "index.html"
    assert "settings of one run are not blocks" in page.read_text() and "Over all" not in page.read_text()

    def stored() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in [*place.glob("*.parquet"), place / "status.json"]}

    before, run = stored(), (place / pd.read_parquet(place / "jobs.parquet")["folder"][0]).resolve()
    assert report(["copies", "--out", f"{own}/all"]) == 0
    assert len(pd.read_parquet(f"{own}/all/gathered/jobs.parquet")) == 3
    assert not list(Path("copies").glob("*.parquet")) and not (Path("copies") / "status.json").exists()
    Path("copies/file").touch()
    for folder in (run, place):
        assert report([str(folder), "--out", "copies/file/below"]) == 2
        assert capsys.readouterr().err.startswith("error: out: must be a folder (got 'the file ")
    launched = (place / "sweep.json").read_text()
    (place / "sweep.json").write_text("[")
    assert report([str(place)]) == 2
    (place / "sweep.json").write_text(launched)
    assert stored() == before


@pytest.mark.usefixtures("undrawn")
def test_what_only_shows_the_configuration_leaves_no_folder(call, own: str) -> None:
    assert call("+bench=nasbench201", "results=ten", "hydra.mode=MULTIRUN", "--cfg", "job")[0] == 0
    code, _, err = call("-m", "+bench=nasbench201", "seed=0,1", "results=ten", "--cfg", "job")
    assert (code, err) == (2, "error: --cfg: must be given alone (got '-m --cfg')\n")
    assert not Path("ten").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "launcher"),
    [("joblib", ["joblib", "hydra.launcher.n_jobs=2"]),
     pytest.param("submitit", ["submitit_local", "hydra.launcher.timeout_min=5"], marks=pytest.mark.real)],
)  # fmt: skip
def test_jobs_in_other_processes_are_gathered_by_their_files(call, own: str, plugin: str, launcher: list[str]) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{plugin}_launcher")
    code, out, err = call(*JOBS, f"hydra/launcher={launcher[0]}", *launcher[1:], "architectures=5,99", f"reports={own}")
    jobs = pd.read_parquet(place_in(out) / "jobs.parquet")
    assert code == 2 and err.count("failed job") == 1
    assert jobs["state"].tolist() == ["complete", "failed"]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_sweep_of_tabulations_reports_its_jobs_and_has_no_page(call, own: str) -> None:
    few = ["+bench=nasbench201", *SMALL, "seeds=[0]", "train.epochs=1", "results=eleven"]
    code, _, err = call(
        "-m", *few, "out=eleven/${architectures}.parquet", "architectures=2,9999", task=tabulate, config="tabulate"
    )
    assert (
        code == 2
        and err.startswith("failed job 1: architectures: must be a count from 1 to 6466 ")
        and err.count("\n") == 1
    )
    assert len(list(Path("eleven").glob("*.parquet"))) == 1 and not list(Path().glob("reports*/eleven"))


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_shards_train_parts_of_a_sample_and_one_command_scores_them_all(call, own: str) -> None:
    few = [*JOBS[1:-1], "results=shards", f"reports={own}"]
    code, out, err = call("-m", *few, "skip=0,2,4", "architectures=2", "stage=train")
    assert (code, err) == (0, "") and out.count("trained 2 of 2 architectures") == 3
    stored = {path: path.stat().st_mtime_ns for path in Path("shards/traces").rglob("*.parquet")}
    assert len(stored) == 6 and not list(Path("shards").rglob("metrics.parquet")) and not Path(own).exists()
    code, out, _ = call(*few, "architectures=6")
    assert code == 0 and len(pd.read_parquet(next(Path("shards").rglob("seed0-n6-*/architectures.parquet")))) == 6
    assert {path: path.stat().st_mtime_ns for path in Path("shards/traces").rglob("*.parquet")} == stored
    assert [job.folder is not None for job in read_jobs(Path("shards"))] == [True]  # shards have no tables


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_a_single_run_leaves_no_file_of_a_sweep(call, own: str) -> None:
    assert call(*JOBS[1:], "architectures=5", "results=single", f"reports={own}")[0] == 0
    assert not is_sweep(Path("single")) and not Path("single/sweeps").exists()


def test_a_folder_without_anything_is_refused(tmp_path) -> None:
    with pytest.raises(BadInput, match=r"^results: must be a folder of runs or of a sweep \(got "):
        write_gathered_report([tmp_path], tmp_path / "out")


def test_gathering_continues_past_a_job_that_left_no_configuration_of_a_run(tmp_path) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    failed = JobResult(2, reason="data: must be a folder (got None)")
    record_job(tmp_path / "0", 0, ["seed=abc"], "seed: abc\n", lambda: failed)
    page = write_gathered_report([tmp_path], tmp_path / "out")
    assert "data: must be a folder (got None)" in page.read_text()
