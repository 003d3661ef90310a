"""The batch systems of the federation: as different as their operators like, and each its own master."""

from __future__ import annotations

import pytest

from tests.federation.accounts import STRANGER
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.federation.shape import CENTRES, CORES
from tests.waiting import wait_until

pytestmark = pytest.mark.federation

OF_SLURM = [shape.name for shape in CENTRES if shape.has_slurm]


def submit(centre: Centre, command: str, *words: str, host: str = "login", user: str = "alice") -> str:
    """The number of a job of one command, whose output lies in the home."""
    argv = ["sbatch", "--parsable", "--output=job-%j", *words, f"--wrap={command}"]
    return centre.run(argv, host=host, account=centre.account(user)).stdout.strip()


def ended(centre: Centre, job: str) -> str:
    """How it ended, in its scheduler's own word, once it has."""
    wait_until(lambda: any(each["id"] == job and each["state"] == "ended" for each in centre.jobs()), 40)
    return str(next(each["raw"] for each in centre.jobs() if each["id"] == job))


def output(centre: Centre, job: str, user: str = "alice") -> str:
    return centre.run(["cat", f"job-{job}"], account=centre.account(user)).stdout


@pytest.mark.parametrize("name", OF_SLURM)
def test_a_job_runs_on_a_node_of_its_own_centre(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    demands = [f"--{option}={value}" for option, value in centre.shape.queues[0].demands]
    # A name that a shell elsewhere would know has to be asked of the job's own.
    job = submit(centre, 'hostname; id -un; printenv SLURM_CLUSTER_NAME "SLURM_JOB_ID"', *demands)
    assert ended(centre, job) == "COMPLETED"
    host, account, cluster, number = output(centre, job).split()
    assert host.startswith(f"{name}-n")
    assert (account, cluster, number) == (centre.account("alice"), name, job)


def test_cores_of_two_queues_over_the_same_nodes_are_there_once(federation: Federation) -> None:
    east = federation.centre("east")
    job = east.fill()
    try:
        assert {node["idle"] for node in east.nodes().values()} == {0}
        told = east.run(["sinfo", "-h", "-o", "%P %C"]).stdout.split()
        assert dict(zip(told[::2], told[1::2], strict=True)) == {"work*": "16/0/0/16", "long": "16/0/0/16"}
        waiting = submit(east, "true", "--partition=long")
        state = [each["state"] for each in east.jobs() if each["id"] == waiting]
        assert state == ["queued"]
    finally:
        east.free(job)
    assert ended(east, waiting) == "COMPLETED"


@pytest.mark.parametrize("name", [shape.name for shape in CENTRES])
def test_a_stranger_takes_some_cores_and_gives_them_back(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    total = CORES * (len(centre.shape.nodes) or 1)
    job = centre.fill(3)
    try:
        assert sum(node["allocated"] for node in centre.nodes().values()) == 3
        [found] = [each for each in centre.jobs() if each["id"] == job]
        assert (found["account"], found["state"], found["cores"]) == (STRANGER, "running", 3)
        assert all(node in centre.nodes() for node in found["nodes"])
    finally:
        centre.free()
    assert sum(node["idle"] for node in centre.nodes().values()) == total


def test_core_refuses_a_job_without_a_card(federation: Federation) -> None:
    core = federation.centre("core")
    argv = ["sbatch", "--wrap=true"]
    refused = core.run(argv, account=core.account("alice"), check=False)
    assert refused.returncode != 0
    assert "jobs here must ask for a DCU: --gres=dcu:1" in refused.stderr
    gres = core.run(["sinfo", "-h", "-N", "-o", "%N %G"]).stdout.split()
    assert gres == ["core-n1", "dcu:4", "core-n2", "dcu:4"]


def test_core_lets_no_node_submit_and_the_others_do(federation: Federation) -> None:
    core, west = federation.centre("core"), federation.centre("west")
    inner = "sbatch --gres=dcu:1 --output=/dev/null --wrap=true; echo exit $?"
    refused = output(core, _done(core, submit(core, inner, "--gres=dcu:1")))
    assert "Access/permission denied" in refused
    assert "exit 1" in refused
    allowed = output(west, _done(west, submit(west, "sbatch --output=/dev/null --wrap=true; echo exit $?")))
    assert "exit 0" in allowed


def _done(centre: Centre, job: str) -> str:
    ended(centre, job)
    return job


@pytest.mark.parametrize(("name", "sees"), [("core", False), ("east", True)])
def test_core_shows_nobody_the_jobs_of_another_and_east_does(
    federation: Federation, name: str, sees: bool
) -> None:
    centre = federation.centre(name)
    job = centre.fill(1)
    try:
        for argv in (["squeue", "-h", "-o", "%i"], ["sacct", "-a", "-n", "-X", "-P", "-o", "JobID"]):
            # Accounting hears of it a moment later.
            wait_until(lambda argv=argv: job in centre.run(argv, account=STRANGER).stdout.split(), 10)  # type: ignore[misc]
            for account in (centre.account("bob"), centre.service_account):
                assert (job in centre.run(argv, account=account).stdout.split()) == sees, (argv, account)
    finally:
        centre.free(job)


def test_a_job_at_west_loads_the_modules_of_its_user_environment(federation: Federation) -> None:
    """In a batch shell, where `module` is defined by the profile alone: as our own scripts do it."""
    west = federation.centre("west")
    [module] = west.descriptor()["environment"]["modules"]
    script = f"#!/bin/bash\nsource /etc/profile; module load {module} || exit 65; echo $SITE_MODULE\n"
    argv = ["sbatch", "--parsable", "--output=job-%j"]
    job = west.run(argv, account=west.account("alice"), stdin=script.encode()).stdout.strip()
    assert ended(west, job) == "COMPLETED"
    assert output(west, job) == f"west/{module}\n"


def test_west_says_itself_who_somebody_is(federation: Federation) -> None:
    west = federation.centre("west")
    argv = west.descriptor()["accounts"]["command"]
    for user in ("alice", "p07", "a;id", "中文名"):
        said = west.run(argv, account=west.service_account, stdin=f"{user}\n".encode()).stdout
        assert said == f"{west.account(user)}\n"
    for nobody in ("", "root", "alice p07", "*", "a;"):
        assert west.run(argv, account=west.service_account, stdin=f"{nobody}\n".encode()).stdout == ""


def test_too_long_a_job_is_refused_at_east_and_waits_for_ever_at_west(federation: Federation) -> None:
    """Slurm's default is the second: whoever does not ask for the limits beforehand waits for nothing."""
    west, east = federation.centre("west"), federation.centre("east")
    argv = ["sbatch", "--output=/dev/null", "--time=9:00:00", "--wrap=true"]
    refused = east.run(argv, account=east.account("alice"), check=False)
    assert "Requested time limit is invalid" in refused.stderr
    job = submit(west, "true", "--time=3:00:00")
    try:
        said = ["squeue", "-h", "-j", job, "-o", "%T %r"]
        wait_until(lambda: west.run(said).stdout.strip() == "PENDING PartitionTimeLimit", 10)
    finally:
        west.run(["scancel", job])


@pytest.mark.parametrize("name", OF_SLURM)
def test_everybody_has_a_project_and_nobody_another_ones(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    argv = ["sacctmgr", "-n", "-P", "show", "associations", "format=user,account,cluster"]
    rows = dict.fromkeys(centre.run(argv).stdout.splitlines())
    for user, project in {"alice": "research", "p00": "teaching"}.items():
        account = centre.account(user)
        assert f"{account}|{project}|{name}" in rows
        asked = ["sbatch", "--test-only", "--account=operations", "--gres=dcu:1", "--wrap=true"]
        refused = centre.run(
            [word for word in asked if name == "core" or "gres" not in word], account=account, check=False
        )
        assert "Invalid account" in refused.stderr


def test_a_job_that_takes_more_memory_than_it_asked_for_is_ended(federation: Federation) -> None:
    """Slurm 22.05 says so in the job's own output, and accounts it as killed."""
    west = federation.centre("west")
    hungry = "/usr/bin/python3 -c 'import time; x = bytes(range(256)) * 2**20; time.sleep(60)'"
    job = submit(west, hungry, "--mem=64")
    assert ended(west, job) == "FAILED"
    assert "Exceeded job memory limit" in output(west, job)
    argv = ["sacct", "-n", "-P", "-X", "-j", job, "-o", "State,ExitCode"]
    wait_until(lambda: west.run(argv).stdout.strip() == "FAILED|0:9", 10)


def test_what_the_controller_forgets_accounting_knows(federation: Federation) -> None:
    """With a short `MinJobAge`, for whoever tests what is known of a job that no queue tells of any more."""
    west = federation.centre("west")
    assert west.slurm is not None
    with west.slurm.settings(MinJobAge="2"):
        job = submit(west, "exit 3")
        wait_until(lambda: all(each["id"] != job for each in west.jobs()), 40)
    said = west.run(["sacct", "-n", "-P", "-X", "-j", job, "-o", "State,ExitCode"]).stdout
    assert said == "FAILED|3:0\n"
    assert "MinJobAge               = 300 sec" in west.run(["scontrol", "show", "config"]).stdout


def test_the_cloud_has_no_batch_system_but_ours(federation: Federation) -> None:
    cloud = federation.centre("cloud")
    names = {"slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd"}
    assert not any(cloud.hosts["login"].processes(name) for name in names)
    assert "sshd" in cloud.run(["ps", "-e", "-o", "comm"]).stdout
    refused = cloud.run(["sbatch", "--wrap=true"], account=cloud.account("alice"), check=False)
    assert refused.returncode != 0
