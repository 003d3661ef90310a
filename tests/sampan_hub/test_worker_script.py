"""The job script of a cluster's workers: the whole text, and that nothing gets into it that means more than itself."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Invalid
from sampan_hub.worker_script import WorkerScript, render_workers

pytestmark = pytest.mark.fast

TAG = "sampan-hub1-abcd1234-1-dask-w-0123456789abcdef"
SCRIPT = WorkerScript(
    name=TAG,
    cluster="abcd1234",
    launch="efgh5678",
    centre="east",
    title_en="East's centre",
    title_zh="东部中心",
    share="cpu",
    scheduler="slurm",
    cores=2,
    memory_mib=1536,
    minutes=90,
    home="/home/alice",
    scratch="/scratch",
    keys="/home/alice/.sampan/attempts/a/dask-1-x",
    address="tls://10.1.2.3:40123",
    python="/opt/sampan/bin/python",
    local=False,
    modules=("python/3.11",),
    setup_file="/opt/sampan/setup.sh",
)


def test_the_worker_is_closed_to_strangers_and_ends_with_its_job() -> None:
    text = render_workers(SCRIPT, 7, 1500)
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert {"umask 077", f"export SAMPAN_TAG={TAG}", "module load python/3.11 || exit 65"} <= set(lines)
    assert "source /opt/sampan/setup.sh || exit 66" in lines
    keys = "/home/alice/.sampan/attempts/a/dask-1-x"
    assert next(line for line in lines if line.endswith("&")) == (
        "/opt/sampan/bin/python -P -m distributed.cli.dask_worker tls://10.1.2.3:40123 --no-nanny"
        " --nthreads 2 --memory-limit 1536MiB --death-timeout 60 --lifetime 5370s"
        f" --tls-ca-file {keys}/certificate.pem"
        f" --tls-cert {keys}/certificate.pem --tls-key {keys}/key.pem"
        ' --no-dashboard --dashboard-address 127.0.0.1:0 --local-directory "$spill"'
        ' --name "abcd1234-${numbers[$SLURM_ARRAY_TASK_ID]}" &'
    )


def test_each_alone_has_its_number_and_where_jobs_are_local_listens_here_alone() -> None:
    text = render_workers(replace(SCRIPT, name=f"{TAG}-7", scheduler="process", local=True), 7)
    assert '127.0.0.1:0 --host 127.0.0.1 --local-directory "$spill" --name "abcd1234-7" &\n' in text


@pytest.mark.parametrize(("place", "number"), [(0, 7), (1, 1500), (2, 1502)])
def test_each_of_an_array_has_the_number_at_its_place(tmp_path: Path, place: int, number: int) -> None:
    """Here a shell plays the worker."""
    worker = tmp_path / "worker"
    worker.write_text('#!/bin/bash\nfor word; do last=$word; done; echo "$last"\n')
    worker.chmod(0o755)
    folders = dict.fromkeys(("home", "scratch", "keys"), str(tmp_path))
    told: dict[str, Any] = {**folders, "python": str(worker), "modules": (), "setup_file": None}
    text = render_workers(replace(SCRIPT, scheduler="process", **told), 7, 1500, 1502)
    environ = os.environ | {"SLURM_ARRAY_TASK_ID": str(place)}
    shown = subprocess.run(["bash", "-c", text], env=environ, stdout=subprocess.PIPE, text=True, check=True)
    assert shown.stdout == f"abcd1234-{number}\n"


@pytest.mark.parametrize("scratch", ["local", "nowhere"])
@pytest.mark.parametrize("end", ["finished", "killed", "asked to end"])
def test_what_it_spills_is_its_own_and_goes_with_it(tmp_path: Path, scratch: str, end: str) -> None:
    """Dask's own folder, of a fixed name, is somebody else's already. Here a shell plays the worker."""
    place, keys = tmp_path / "local", tmp_path / "keys"
    for folder in (place / "dask-scratch-space", keys):
        folder.mkdir(parents=True)
    ends = {"finished": "exit 3", "killed": "kill -9 $$", "asked to end": "exec sleep 600"}
    worker = tmp_path / "worker"
    lines = ['for word; do [ "$last" = --local-directory ] && spill=$word; last=$word; done']
    lines += ['stat -c "%a %n" "$spill"; touch "$spill/spilled"', "echo $$", ends[end]]
    worker.write_text("\n".join(["#!/bin/bash", *lines]))
    worker.chmod(0o755)
    told: dict[str, Any] = {
        "scratch": str(tmp_path / scratch),
        "keys": str(keys),
        "python": str(worker),
        "home": str(tmp_path),
    }
    text = render_workers(replace(SCRIPT, scheduler="process", modules=(), setup_file=None, **told), 7)
    with subprocess.Popen(["bash", "-c", text], stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        mode, spill = job.stdout.readline().split()
        pid = int(job.stdout.readline())
        assert (mode, Path(spill).parent) == ("700", place if scratch == "local" else keys)
        if end == "asked to end":
            # Some batch systems tell the script alone.
            job.terminate()
        assert job.wait(30) == {"finished": 3, "killed": 137, "asked to end": 143}[end]
    assert not Path(f"/proc/{pid}").exists()
    assert list(keys.iterdir()) == []
    assert [path.name for path in place.iterdir()] == ["dask-scratch-space"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "sampan-hub1-abcd1234-1"),
        ("name", f"{TAG}; id"),
        ("name", TAG.rpartition("-")[0]),
        ("scratch", "/scratch/$(id)"),
        ("scratch", "/scratch/../home/bob"),
        ("cluster", "a b c d"),
        ("address", "tls://10.1.2.3:1; id"),
        ("address", "tcp://10.1.2.3:1"),
        ("address", "tls://$(id):1"),
        ("keys", "/home/alice/../bob"),
        ("keys", "relative"),
        ("python", "/opt/$(id)/python"),
        ("python", "/opt/python;id"),
        ("modules", ("python; id",)),
        ("setup_file", "/opt/`id`"),
        ("title_en", "two\nlines"),
        ("cores", 0),
        ("minutes", True),
    ],
)
def test_nothing_that_means_more_than_itself(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        replace(SCRIPT, **{field: value})
    assert caught.value.message.params["field"] == field
