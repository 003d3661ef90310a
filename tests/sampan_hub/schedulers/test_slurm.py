"""What is said to Slurm, word for word, and what it says back to being asked for a job or for its end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import Refused, SampanError, Unavailable
from sampan_hub.asks import Completed
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.jobs import FoundJob
from sampan_hub.rules import NO_RULES
from sampan_hub.schedulers.slurm import SlurmScheduler
from tests.sampan_hub.descriptions import far
from tests.sampan_hub.schedulers.slurm_answers import SPEC, dialect, failed, recorded, said

OPTIONS = (
    "--job-name=sampan-demo-abcd1234-1",
    "--partition=work",
    "--nodes=1",
    "--ntasks=1",
    "--cpus-per-task=2",
    "--mem=4096M",
    "--time=90",
    "--output=/home/e-alice/.sampan/attempts/sampan-demo-abcd1234-1/job.log",
    "--open-mode=append",
    "--chdir=/",
    "--no-requeue",
    "--export=ALL",
    "--propagate=NONE",
)


# --- what is said


def test_a_submission() -> None:
    ask = dialect().submit(SPEC)
    assert ask.argv == ("sbatch", "--parsable", *OPTIONS)
    assert ask.stdin == b"#!/bin/bash\nexec true\n"


def test_cards_and_demands() -> None:
    """What a queue demands comes first, so that it replaces nothing; generic resources are said in one option."""
    spec = replace(
        SPEC,
        accelerator="a100",
        accelerators=2,
        directives=(("account", "climate"), ("gres", "craynetwork:1"), ("qos", "small")),
    )
    ask = dialect(cards={"a100": "gpu:A100"}).submit(spec)
    demanded = ("--account=climate", "--qos=small", "--gres=craynetwork:1,gpu:A100:2")
    assert ask.argv == ("sbatch", "--parsable", *demanded, *OPTIONS)


def test_when_it_would_start() -> None:
    ask = dialect().expected_start(SPEC)
    assert ask.argv == ("sbatch", "--test-only", *OPTIONS)
    assert ask.stdin == b"#!/bin/bash\nexec true\n"


def test_questions_about_everybody_and_about_one() -> None:
    slurm = dialect()
    squeue = ("squeue", "--all", "--states=all")
    sacct = ("sacct", "--allusers")
    fields = "NodeList:0|,PartitionName:0|,Available:0|,StateComplete:0|,CPUsState:0|,Memory:0|,AllocMem:0|,Gres:0|,GresUsed:0"
    record = "JobIDRaw,State,ExitCode,UID,Submit,Start,End,ElapsedRaw,Suspended,AllocTRES,NodeList,MaxRSS"
    assert slurm.status(["7", "12"]).argv == (
        *squeue,
        "--partition=work,long",
        "--format=sampan|%A|%K|%P|%T|%Q|%V|%S|%e|%B|%r",
    )
    assert slurm.find([]).argv == (*squeue, "--partition=work,long", "--format=sampan|%F|%u|%V|%T|%j")
    assert slurm.find(["b", "a"]).argv == (*squeue, "--name=a,b", "--format=sampan|%F|%u|%V|%T|%j")
    assert slurm.recall(["b", "a"]).argv == (
        *(*sacct, "--allocations", "--parsable2", "--starttime=now-10days"),
        *("--name=a,b", "--format=JobIDRaw,User,Submit,State,JobName"),
    )
    ended = (*sacct, "--parsable2", "--starttime=now-10days", "--jobs=7,12", f"--format={record}")
    assert slurm.ended(["12", "7"]).argv == ended
    assert slurm.usage(["12", "7"]).argv == ended
    assert slurm.cancel("7", "sampan-demo-abcd1234-1").argv == (
        "scancel",
        "--name=sampan-demo-abcd1234-1",
        "7",
    )
    assert slurm.cancel("7_3", "sampan-demo-abcd1234-1").argv == ("scancel", "7_3")
    assert slurm.capacity().argv == (
        *("sinfo", "--Node", "--partition=work,long"),
        f"--Format={fields}",
    )
    limits = slurm.limits("e-alice", NO_RULES)
    assert limits.argv == ("sacctmgr", "--parsable2", "--readonly")
    assert limits.stdin == (
        b"show associations where user=e-alice format=Cluster,Account,Partition,DefaultQOS,QOS,MaxWall,MaxTRES,"
        b"MaxTRESPerNode,GrpTRES,MaxJobs,GrpJobs,MaxSubmit,GrpSubmit\n"
        b"show associations where user= format=Cluster,Account,ParentName,User,GrpTRES,GrpJobs,GrpSubmit\n"
        b"show qos format=Name,Flags,MaxWall,MaxTRESPerJob,MaxTRESPerNode,MaxTRESPerUser,MaxTRESPerAccount,GrpTRES,"
        b"MaxJobsPerUser,MaxJobsPerAccount,GrpJobs,MaxSubmitJobsPerUser,MaxSubmitJobsPerAccount,GrpSubmit\n"
    )
    rules = slurm.rules()
    assert (rules.argv, rules.stdin) == (
        ("scontrol", "--all", "--oneliner"),
        b"show partition\nshow reservation\n",
    )


def test_made_of_a_descriptor() -> None:
    described = parse_descriptor(far(), "core.yaml")
    assert isinstance(described, Descriptor)
    slurm = SlurmScheduler.of(described)
    # Sessions of a day, waits of an hour, and some days for a broker that was away.
    assert slurm.recall(["a"]).argv[4] == "--starttime=now-3days"
    assert "--partition=cpu_short,dcu" in slurm.status([]).argv
    spec = replace(SPEC, queue="dcu", accelerator="dcu", accelerators=3)
    assert "--gres=dcu:3" in slurm.submit(spec).argv
    typed = parse_descriptor(far().replace('"dcu:1"', '"gpu:dcu:1"'), "core.yaml")
    assert isinstance(typed, Descriptor)
    assert "--gres=gpu:dcu:3" in SlurmScheduler.of(typed).submit(spec).argv


# --- a job's number


def test_the_number_of_a_job() -> None:
    submit = dialect().submit(SPEC)
    assert submit.parse(recorded("sbatch-id")) == "31"
    assert submit.parse(said("31;core\n")) == "31"
    assert submit.parse(said("Welcome to the centre, 2026!\n31\n")) == "31"


@pytest.mark.parametrize(
    "text", ["", "\n", "31\n32\n", "Submitted batch job 31\n", "-1\n", "31a\n", "9" * 40]
)
def test_no_number_is_no_answer(text: str) -> None:
    with pytest.raises(Unavailable):
        dialect().submit(SPEC).parse(said(text))


@given(st.text(), st.text(), st.integers(-9, 255))
def test_whatever_comes_back_is_an_answer_or_an_error_of_ours(out: str, err: str, status: int) -> None:
    slurm = dialect()
    for ask in (
        slurm.submit(SPEC),
        slurm.expected_start(SPEC),
        slurm.cancel("1", "a"),
        slurm.find([]),
        slurm.find(["a"]),
    ):
        try:
            ask.parse(Completed(status, out, err))
        except SampanError:
            continue
        assert status == 0 or ask.verb == "cancel"


# --- an expected start


def test_an_expected_start() -> None:
    line = "sbatch: Job 68 to start at 2026-11-25T12:24:53 using 1 processors on nodes east-n1 in partition work\n"
    parse = dialect().expected_start(SPEC).parse
    assert parse(Completed(0, "", line)) == 1795580693.0
    assert parse(Completed(0, "", f"Last login: never\n{line}")) == 1795580693.0
    assert parse(Completed(0, "", line.replace("2026-11-25T12:24:53", "N/A"))) is None
    for no_answer in (
        "",
        line * 2,
        line.replace("Job 68", "Job"),
        line + "sbatch: Job 69 to start at never\n",
    ):
        if no_answer.count("using") != 1 or "Job 68" not in no_answer:
            with pytest.raises(Unavailable):
                parse(Completed(0, "", no_answer))


# --- cancelling and finding


@pytest.mark.parametrize(
    ("done", "error"),
    [
        (said(""), None),
        (failed("scancel: error: Kill job error on job id 999: Invalid job id specified\n"), None),
        (
            failed("scancel: error: Kill job error on job id 7: Job/step already completing or completed\n"),
            None,
        ),
        (failed("scancel: error: Kill job error on job id 34: Access/permission denied\n", 210), Refused),
        (
            failed("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n"),
            Unavailable,
        ),
        (failed(""), Unavailable),
    ],
)
def test_a_job_that_is_asked_to_end(done: Completed, error: type[SampanError] | None) -> None:
    parse = dialect().cancel("7", "sampan-demo-abcd1234-1").parse
    if error is None:
        parse(done)
    else:
        with pytest.raises(error):
            parse(done)


def test_jobs_that_live_are_found_by_what_they_are_called() -> None:
    """Others' names are theirs to choose, with separators and line breaks in them; none of them is taken for one of ours."""
    found = dialect().find([]).parse(recorded("squeue-ours"))
    assert [(job.id, job.account, job.tag) for job in found] == [
        ("67", "e-alice", "sampan-demo-held-1"),
        ("66", "e-alice", "sampan-demo-late-1"),
        ("65", "e-alice", "sampan-demo-both-1"),
        ("64", "e-alice", "sampan-demo-long-1"),
        ("63", "e-alice", "sampan-demo-wait-1"),
        ("60", "e-alice", "sampan-demo-ours-1"),
    ]
    assert found[0].submitted_at == 1795571573.0


def test_one_that_is_over_was_submitted_all_the_same() -> None:
    found = dialect().find(["sampan-demo-long-1"]).parse(recorded("squeue-ours"))
    assert [job.id for job in found] == ["64", "57"], "the one that lives comes first"


def test_records_know_names_as_well() -> None:
    text = "JobIDRaw|User|Submit|State|JobName\n5|e-alice|2026-11-25T09:26:18|COMPLETED|a\n9|e-alice|Unknown|RUNNING|a\n"
    found = (
        dialect()
        .recall(["a"])
        .parse(said(text + "9.batch||Unknown|RUNNING|batch\n10|e-bob|Unknown|RUNNING|b\n"))
    )
    assert found == [FoundJob("9", "a", "e-alice", None), FoundJob("5", "a", "e-alice", 1795569978.0)]
