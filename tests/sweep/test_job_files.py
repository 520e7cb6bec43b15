"""What a job says of itself, whatever becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.schema import BadInput
from harness.sweep.job_files import UNFINISHED, JobResult, is_run, is_sweep, read_jobs, record_job


def said(place: Path) -> dict[str, object]:
    return json.loads((place / "job.json").read_text())


def run_in(folder: Path, state: str = "complete") -> Path:
    folder.mkdir(parents=True)
    (folder / "metrics.parquet").touch()
    (folder / "status.json").write_text(json.dumps({"state": state, "architectures": 5, "trained": 4}))
    (folder / "config.yaml").write_text("seed: 3\n")
    return folder


@pytest.mark.parametrize(
    ("ended", "state"),
    [(JobResult(0), "complete"), (JobResult(3, reason="2 trainings failed"), "partial"), (JobResult(1), "failed")],
)
def test_a_job_says_started_while_it_works_and_how_it_ended_after(tmp_path: Path, ended: JobResult, state: str) -> None:
    seen = []

    def work() -> JobResult:
        seen.append(said(tmp_path))
        return ended

    assert record_job(tmp_path, 4, ["seed=1"], "seed: 1\n", work) == ended
    assert (seen[0]["state"], seen[0]["number"], seen[0]["overrides"]) == ("started", 4, ["seed=1"])
    assert (said(tmp_path)["state"], said(tmp_path)["code"]) == (state, ended.code)
    assert said(tmp_path)["reason"] == ended.reason
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_bad_input_ends_a_job_with_its_line_and_code_2_and_is_not_raised(tmp_path: Path) -> None:
    def work() -> JobResult:
        raise BadInput("data: must be a folder (got None")

    assert record_job(tmp_path, 0, [], "{}", work).code == 2
    assert (said(tmp_path)["state"], said(tmp_path)["reason"]) == ("failed", "data: must be a folder (got None")


@pytest.mark.parametrize("error", [KeyError("a"), RuntimeError("first\nsecond"), KeyboardInterrupt(), SystemExit(7)])
def test_whatever_else_is_raised_is_recorded_in_one_line_and_raised_again(tmp_path: Path, error: BaseException) -> None:
    def work() -> JobResult:
        raise error

    with pytest.raises(type(error)):
        record_job(tmp_path, 0, [], "{}", work)
    assert (said(tmp_path)["state"], said(tmp_path)["code"]) == ("failed", 1)
    reason = str(said(tmp_path)["reason"])
    assert reason.startswith(type(error).__name__) and "\n" not in reason and "second" not in reason


def test_a_killed_job_is_unfinished(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    record_job(tmp_path / "0", 0, ["seed=0"], "seed: 0\n", lambda: JobResult(0))
    told = said(tmp_path / "0") | {"state": "started", "code": UNFINISHED, "reason": "killed, or still running"}
    (tmp_path / "0" / "job.json").write_text(json.dumps(told))
    (job,) = read_jobs(tmp_path)
    assert (job.state, job.code, job.reason) == ("unfinished", 3, "killed, or still running")


def test_jobs_are_read_by_number_with_their_folders_even_if_all_was_moved(tmp_path: Path) -> None:
    run = run_in(tmp_path / "old" / "b-d" / "seed3")
    for number in (10, 9):
        place = tmp_path / "old" / "sweeps" / "now" / str(number)
        record_job(place, number, [f"seed={number}"], "seed: 3\n", lambda: JobResult(0, run, run / "report"))
    (place.parent / "sweep.json").write_text("{}")
    (tmp_path / "old").rename(tmp_path / "new")
    first, second = read_jobs(tmp_path / "new" / "sweeps" / "now")
    assert (first.number, second.number) == (9, 10)
    assert first.folder is not None and first.folder.resolve() == tmp_path / "new" / "b-d" / "seed3"
    assert first.config == {"seed": 3} and first.overrides == ("seed=9",)


def test_a_job_whose_tables_are_gone_has_failed(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    record_job(tmp_path / "0", 0, [], "{}", lambda: JobResult(0, tmp_path / "nowhere"))
    (job,) = read_jobs(tmp_path)
    assert (job.state, job.code, job.folder) == ("failed", 1, None)
    assert job.reason.startswith("its tables are missing: ")


def test_a_folder_of_runs_gives_its_runs_and_a_run_itself(tmp_path: Path) -> None:
    for name, state in (("b", "partial"), ("a", "complete")):
        run_in(tmp_path / "deep" / name, state)
    found = read_jobs(tmp_path)
    assert [job.folder for job in found] == [tmp_path / "deep" / "a", tmp_path / "deep" / "b"]
    assert [(job.state, job.code, job.reason) for job in found] == [
        ("complete", 0, ""), ("partial", 3, "1 of 5 trainings failed"),
    ]  # fmt: skip
    assert is_run(tmp_path / "deep" / "a") and not is_run(tmp_path) and not is_sweep(tmp_path)
    assert len(read_jobs(tmp_path / "deep" / "a")) == 1


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_runs_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"^results: must be a folder of runs or of a sweep \(got "):
        read_jobs(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("job.json", b"{", "job.json: must be a JSON object"),
        ("job.json", b"\xff\xfe", "job.json: must be a readable UTF-8 file"),
        ("job.json", b'{"number": 0, "overrides": [], "code": 0, "reason": ""}', "a document with the key state"),
        ("job.json", b'{"number": 0, "overrides": [], "code": 0, "reason": "", "state": []}', "state: must be one of"),
        ("config.yaml", b"seed: [", "config.yaml: must be a YAML mapping"),
        ("config.yaml", b"seed: many", "seed: must be an integer"),
        ("config.yaml", b"smed: 0", "a document with the key seed"),
        ("config.yaml", None, "config.yaml: must be an existing file"),
    ],
)
def test_a_job_with_a_damaged_file_is_a_failed_one_with_the_reason(tmp_path, name, content, reason) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    for number in (0, 1):
        run = run_in(tmp_path / "runs" / str(number))
        record_job(tmp_path / str(number), number, [], "seed: 0", lambda run=run: JobResult(0, run))
    path = tmp_path / "1" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    whole, damaged = read_jobs(tmp_path)
    assert (whole.state, damaged.state, damaged.code, damaged.number) == ("complete", "failed", 2, 1)
    assert reason in damaged.reason and damaged.damaged and damaged.config == {}


def sweep_in(folder: Path, *jobs: tuple[Path | None, str]) -> Path:
    """A sweep whose jobs left these folders of tables (None: it failed) and configurations."""
    folder.mkdir(parents=True)
    (folder / "sweep.json").write_text("{}")
    for number, (run, config) in enumerate(jobs):
        ended = JobResult(0, run) if run else JobResult(2, reason="bad")
        record_job(folder / str(number), number, ["a=b"], config, lambda ended=ended: ended)
    return folder


def test_a_folder_above_sweeps_gives_every_run_once_and_the_jobs_that_failed(tmp_path: Path) -> None:
    a, b, lone = (run_in(tmp_path / "bench" / name) for name in "abc")
    first = sweep_in(tmp_path / "sweeps" / "one", (a, "reports: x"), (b, "reports: x"), (None, "reports: x"))
    sweep_in(tmp_path / "sweeps" / "two", (b, "reports: x"), (None, "out: a tabulation"))
    assert is_sweep(first) and not is_sweep(tmp_path) and not is_sweep(tmp_path / "sweeps")
    found = read_jobs(tmp_path)
    assert [job.folder and job.folder.resolve() for job in found] == [a, b, lone, None]
    assert [(job.number, job.overrides) for job in found] == [(number, None) for number in range(4)]
    assert found[-1].reason == "bad"
    assert [job.folder and job.folder.resolve() for job in read_jobs(tmp_path / "sweeps")] == [a, b, None]
    assert [job.overrides for job in read_jobs(first)] == [("a=b",)] * 3


def test_a_sweep_has_the_jobs_of_its_own_numbered_folders_alone(tmp_path: Path) -> None:
    outer = sweep_in(tmp_path / "outer", (None, "reports: x"))
    sweep_in(outer / "inner", (None, "reports: x"), (None, "reports: x"))
    (outer / "else").mkdir()
    (outer / "else" / "job.json").write_text('{"a": "job of another program"}')
    assert len(read_jobs(outer)) == 1


def test_without_a_way_between_two_places_the_path_is_absolute(tmp_path: Path, monkeypatch) -> None:
    def no_way(path: object, start: object) -> str:
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr("os.path.relpath", no_way)
    sweep = sweep_in(tmp_path / "sweep", (run_in(tmp_path / "run"), "reports: x"))
    assert said(sweep / "0")["folder"] == str(tmp_path / "run")
    assert read_jobs(sweep)[0].folder == tmp_path / "run"
