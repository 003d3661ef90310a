"""The job script of a cluster's workers: the whole text, and that nothing gets into it that means more than itself."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest

from sampan.errors import Invalid
from sampan_hub.worker_script import WorkerScript, render_workers

pytestmark = pytest.mark.fast

TAG = "sampan-hub1-abcd1234-1-dask-w"
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
    keys="/home/alice/.sampan/attempts/a/dask-1-x",
    address="tls://10.1.2.3:40123",
    python="/opt/sampan/bin/python",
    local=False,
    modules=("python/3.11",),
    setup_file="/opt/sampan/setup.sh",
)


def test_the_worker_is_closed_to_strangers_and_ends_with_its_job() -> None:
    text = render_workers(SCRIPT)
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert {"umask 077", f"export SAMPAN_TAG={TAG}", "module load python/3.11 || exit 65"} <= set(lines)
    assert "source /opt/sampan/setup.sh || exit 66" in lines
    keys = "/home/alice/.sampan/attempts/a/dask-1-x"
    assert lines[-1] == (
        "exec /opt/sampan/bin/python -P -m distributed.cli.dask_worker tls://10.1.2.3:40123 --no-nanny"
        " --nthreads 2 --memory-limit 1536MiB --death-timeout 60 --lifetime 5370s"
        f" --local-directory {keys}/spill --tls-ca-file {keys}/certificate.pem"
        f" --tls-cert {keys}/certificate.pem --tls-key {keys}/key.pem"
        ' --no-dashboard --dashboard-address 127.0.0.1:0 --name "abcd1234-$SLURM_ARRAY_TASK_ID"'
    )


def test_each_alone_has_its_number_and_where_jobs_are_local_listens_here_alone() -> None:
    last = render_workers(replace(SCRIPT, scheduler="process", local=True), "7").splitlines()[-1]
    assert last.endswith('--dashboard-address 127.0.0.1:0 --host 127.0.0.1 --name "abcd1234-7"')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "sampan-hub1-abcd1234-1"),
        ("name", f"{TAG}; id"),
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
