"""What a person may have, as the scheduler's accounting tells it to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan_hub.limits import Limit
from tests.sampan_hub.schedulers.slurm_answers import dialect, failed, recorded, said

PEOPLE = "Cluster|Account|Partition|Def QOS|QOS|MaxWall|MaxTRES|GrpTRES|MaxJobs|GrpJobs|MaxSubmit|GrpSubmit\n"
QOS = "Name|MaxWall|MaxTRES|MaxTRESPU|GrpTRES|MaxJobsPU|GrpJobs|MaxSubmitPU|GrpSubmit\n"


def test_projects_queues_and_qualities_of_service() -> None:
    found = dialect().limits("e-carol").parse(recorded("sacctmgr-limits"))
    assert found == (
        Limit("long", "side", minutes=30, cores=2, jobs=1, submitted=2),
        Limit(None, "research", minutes=90, cores=4, memory_mib=2048, jobs=2, submitted=3),
    )


def limits(person: str, *qualities: str, demanded: dict[str, str] | None = None) -> tuple[Limit, ...]:
    text = PEOPLE + person + "\nsacctmgr: show qos\n" + QOS + "".join(f"{line}\n" for line in qualities)
    return dialect(cards={"dcu": "dcu"}, qos=demanded).limits("a").parse(said(text + "sacctmgr: \n"))


def test_nothing_limits_who_has_no_limits() -> None:
    assert limits("east|research|||normal|||||||", "normal||||||||") == (Limit(account="research"),)


def test_the_quality_of_service_goes_before_and_what_it_leaves_open_holds() -> None:
    person = "east|p||long|long,normal|1-00:00:00|cpu=64,gres/dcu=2|cpu=100|5||9|"
    [found] = limits(person, "long|10-00:00:00|cpu=128|cpu=80|gres/dcu=8||||", "normal||||||||")
    assert found == Limit(None, "p", minutes=14400, cores=80, accelerators={"dcu": 2}, jobs=5, submitted=9), (
        "cores: 128 for one job, 80 for a person, 100 for the project"
    )


def test_a_quality_that_the_queue_demands() -> None:
    found = limits(
        "east|p|||normal|||||||", "normal||||||||", "debug|00:30:00|||||||", demanded={"test": "debug"}
    )
    assert found == (Limit(None, "p"), Limit("test", "p", minutes=30))


def test_who_is_in_several_clusters_cannot_be_told_apart() -> None:
    with pytest.raises(Unavailable):
        limits("east|p|||normal|||||||\nwest|p|||normal|||||||", "normal||||||||")


def test_nobody_and_nothing() -> None:
    assert dialect().limits("a").parse(said(PEOPLE + "sacctmgr: x\n" + QOS)) == ()
    for done in (said(""), said(PEOPLE), said(QOS), failed("sacctmgr: error: Connection refused\n")):
        with pytest.raises(Unavailable):
            dialect().limits("a").parse(done)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    line = text.replace("\n", " ").replace("|", " ")
    for whole in (
        text,
        PEOPLE + text + QOS,
        PEOPLE + f"e|p|{line}|{line}|{line}|{line}|{line}|{line}|{line}|||\n" + QOS,
    ):
        try:
            dialect(cards={"dcu": "dcu"}).limits("a").parse(said(whole))
        except SampanError:
            continue
