from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Any

import pytest

from sampan_kernels.job_folder import JobFolder, number_of, publish, read_json

ASKED: dict[str, Any] = {"cores": 1, "memory_mib": 10, "submitted_at": 1.5, "mark": "m"}


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    path = tmp_path / "7.sampan-a-b-1"
    path.mkdir()
    publish(path / "job.json", ASKED)
    job = JobFolder.read(path)
    assert job is not None
    return job


def test_number_and_tag_are_in_the_name(job: JobFolder) -> None:
    assert (job.number, job.tag, job.mine) == (7, "sampan-a-b-1", True)


@pytest.mark.parametrize(
    "digits", ["\u00b2", "\u0663", "1" * 13, "9" * 5000, "007", "-1", "+1", "1_0", " 1", ""]
)
def test_a_name_without_a_number_of_ours_is_no_job_s(tmp_path: Path, digits: str) -> None:
    assert number_of(f"{digits}.sampan-a-b-1") == 0
    assert JobFolder(tmp_path / f"{digits}.sampan-a-b-1", 0, ASKED).number == 0


def test_guarded_while_somebody_holds_the_lock(job: JobFolder) -> None:
    seen = [job.guarded]
    handle = job.guard()
    seen.append(job.guarded)
    with pytest.raises(BlockingIOError):
        job.guard()
    os.close(handle)
    assert [*seen, job.guarded] == [False, True, False]


def test_the_bell_rings_and_a_cancel_stays(job: JobFolder) -> None:
    job.ring()
    bell = job.listen()
    assert select.select([bell], [], [], 0)[0] == []
    before = job.cancelled
    job.cancel()
    assert (before, job.cancelled) == (False, True)
    assert select.select([bell], [], [], 0)[0] == [bell]
    os.close(bell)


def test_written_once_means_once(tmp_path: Path) -> None:
    path = tmp_path / "started.json"
    assert publish(path, {"by": 1}, once=True)
    assert not publish(path, {"by": 2}, once=True)
    assert read_json(path) == {"by": 1}
    assert publish(path, {"by": 3})
    assert [entry.name for entry in tmp_path.iterdir()] == ["started.json"]


def test_what_another_account_put_there_is_not_believed_followed_or_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"a": 1}')
    linked, pipe, huge, deep, text = (tmp_path / name for name in ("linked", "pipe", "huge", "deep", "text"))
    linked.symlink_to(secret)
    os.mkfifo(pipe)
    huge.write_text('{"a": "' + "x" * 100_000 + '"}')
    deep.write_text("[" * 60_000)
    text.write_text('"a"')
    assert [read_json(path) for path in (linked, pipe, huge, deep, text)] == [None] * 5


@pytest.mark.parametrize(
    "lie",
    [{"cores": -4}, {"cores": 0}, {"cores": True}, {"cores": 1.5}, {"memory_mib": 1 << 60}, {"mark": 5}],
)
def test_a_job_that_cannot_be_is_none(tmp_path: Path, lie: dict[str, Any]) -> None:
    path = tmp_path / "1.x"
    path.mkdir()
    publish(path / "job.json", {**ASKED, **lie})
    assert JobFolder.read(path) is None


def test_a_wake_that_is_no_pipe_is_left_alone(job: JobFolder) -> None:
    wake = job.path / "wake"
    wake.write_text("as it was")
    job.ring()
    assert wake.read_text() == "as it was"
