"""What a person may have, as the scheduler's accounting tells it to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan_hub.limits import Limit
from sampan_hub.rules import NO_RULES, Rules
from tests.sampan_hub.schedulers.slurm_answers import dialect, failed, recorded, said

PEOPLE = (
    "Cluster|Account|Partition|Def QOS|QOS|MaxWall|MaxTRES|MaxTRESPerNode|GrpTRES"
    "|MaxJobs|GrpJobs|MaxSubmit|GrpSubmit\n"
)
PROJECTS = "Cluster|Account|ParentName|User|GrpTRES|GrpJobs|GrpSubmit\n"
QOS = (
    "Name|Flags|MaxWall|MaxTRES|MaxTRESPerNode|MaxTRESPU|MaxTRESPA|GrpTRES"
    "|MaxJobsPU|MaxJobsPA|GrpJobs|MaxSubmitPU|MaxSubmitPA|GrpSubmit\n"
)
BLANK = "normal|||||||||||||"


def test_projects_queues_and_qualities_of_service() -> None:
    """Of three cores for a person, five for the project above theirs, six for a job and seven in all, the fewest count."""
    found = dialect().limits("e-carol", NO_RULES).parse(recorded("sacctmgr-limits"))
    assert found == (
        Limit("long", "side", minutes=30, cores=2, jobs=1, submitted=2),
        Limit(None, "research", minutes=90, cores=5, memory_mib=2048, jobs=2, submitted=3),
    )


def test_what_a_queue_imposes_holds_there_and_before_everything_else() -> None:
    imposed = Rules({"work": "partq", "long": "partq", "not-ours": "partq"})
    found = dialect().limits("e-carol", imposed).parse(recorded("sacctmgr-limits"))
    assert found == (
        # Jobs of this quality may take more time than their queue's says; of memory it says nothing itself.
        Limit("long", "side", minutes=30, cores=2, memory_mib=1024, jobs=1, submitted=2),
        Limit(None, "research", minutes=90, cores=5, memory_mib=2048, jobs=2, submitted=3),
        Limit("work", "research", minutes=60, cores=5, memory_mib=1024, jobs=2, submitted=3),
        Limit("long", "research", minutes=60, cores=5, memory_mib=1024, jobs=2, submitted=3),
    )


def limits(
    person: str,
    *qualities: str,
    projects: str = "",
    demanded: dict[str, str] | None = None,
    imposed: dict[str, str] | None = None,
) -> tuple[Limit, ...]:
    text = f"{PEOPLE}{person}\nsacctmgr: show\n{PROJECTS}{projects}sacctmgr: show qos\n{QOS}"
    done = said(text + "".join(f"{line}\n" for line in qualities) + "sacctmgr: \n")
    slurm = dialect("work", "test", cards={"dcu": "dcu"}, qos=demanded)
    return slurm.limits("a", Rules(imposed or {})).parse(done)


def test_nothing_limits_who_has_no_limits() -> None:
    assert limits("east|research|||normal||||||||", BLANK) == (Limit(account="research"),)


def test_the_quality_of_service_goes_before_and_what_it_leaves_open_holds() -> None:
    person = "east|p||long|long,normal|1-00:00:00|cpu=64,gres/dcu=2||cpu=100|5||9|"
    [found] = limits(person, "long||10-00:00:00|cpu=128||cpu=80||gres/dcu=8||||||", BLANK)
    assert found == Limit(None, "p", minutes=14400, cores=80, accelerators={"dcu": 2}, jobs=5, submitted=9), (
        "cores: 128 for one job, 80 for a person, 100 for the project"
    )


def test_a_quality_that_the_queue_demands() -> None:
    debug = "debug||00:30:00|||||||||||"
    found = limits("east|p|||normal||||||||", BLANK, debug, demanded={"test": "debug"})
    assert found == (Limit(None, "p"), Limit("test", "p", minutes=30))


@pytest.mark.parametrize(("flags", "minutes"), [("", 60), ("DenyOnLimit,OverPartQOS", 30)])
def test_which_of_two_qualities_goes_first(flags: str, minutes: int) -> None:
    of_job, of_queue = f"debug|{flags}|00:30:00|||||||||||", "part||01:00:00|cpu=4||||||||||"
    everywhere = {"demanded": {"test": "debug"}, "imposed": {"test": "part"}}
    found = limits("east|p|||normal|05:00:00|cpu=8||||||", BLANK, of_job, of_queue, **everywhere)  # type: ignore[arg-type]
    assert found == (Limit(None, "p", minutes=300, cores=8), Limit("test", "p", minutes=minutes, cores=4))


def test_every_project_above_bounds_where_no_quality_does() -> None:
    projects = (
        "east|root||||9|\neast|top|root||cpu=40,mem=8G|0|\neast|p|top||cpu=50||7\neast|p|top|b|cpu=1||1\n"
        "west|p|loop||cpu=1||\neast|loop|loop||cpu=1||\n"
    )
    person = "east|p|||normal|||cpu=60|||||"
    [found] = limits(person, BLANK, projects=projects)
    assert found == Limit(None, "p", cores=40, memory_mib=8192, jobs=0, submitted=7)
    [found] = limits(person, "normal|||||||cpu=99|||5|||", projects=projects)
    assert found == Limit(None, "p", cores=60, memory_mib=8192, jobs=5, submitted=7), (
        "GrpTRES, GrpJobs are its own"
    )
    [found] = limits(person.replace("|p|", "|loop|"), BLANK, projects=projects)
    assert found.cores == 1


def test_of_one_node_and_of_one_project() -> None:
    """A launch is one job on one node: what a node may give to one, and what a project may have, bounds it."""
    [found] = limits("east|p|||normal|||cpu=6|||||", "normal||||gres/dcu=1||mem=4G|||3|||2|")
    assert found == Limit(None, "p", cores=6, memory_mib=4096, accelerators={"dcu": 1}, jobs=3, submitted=2)


def test_who_is_in_several_clusters_cannot_be_told_apart() -> None:
    with pytest.raises(Unavailable):
        limits("east|p|||normal||||||||\nwest|p|||normal||||||||", BLANK)


def test_nobody_and_nothing() -> None:
    ask = dialect().limits("a", NO_RULES)
    assert ask.parse(said(f"{PEOPLE}sacctmgr: x\n{PROJECTS}sacctmgr: x\n{QOS}")) == ()
    refused = failed("sacctmgr: error: Connection refused\n")
    for done in (said(""), said(PEOPLE), said(PEOPLE + QOS), said(PEOPLE + PROJECTS), refused):
        with pytest.raises(Unavailable):
            ask.parse(done)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    line = text.replace("\n", " ").replace("|", " ")
    for whole in (
        text,
        PEOPLE + text + PROJECTS + QOS,
        PEOPLE + f"e|p|{line}|{line}|{line}|{line}|{line}|{line}|{line}||||\n" + PROJECTS + text + QOS,
    ):
        try:
            dialect(cards={"dcu": "dcu"}).limits("a", NO_RULES).parse(said(whole))
        except SampanError:
            continue
