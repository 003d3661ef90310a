"""Which kernels elsewhere are offered, under which names, and how they are shown."""

from __future__ import annotations

from typing import Any

from sampan.need import Need
from sampan_kernels import offers


def centre(name: str, state: str = "ok", cores: int = 4, **more: Any) -> dict[str, Any]:
    share = {"cores_max": cores, "accelerators": more.pop("accelerators", {}), "max_hours": 24}
    return {"id": name, "state": state, "shares": [share], "software": [], **more}


NAMES = {"east": {"en": "East Lake", "zh": "东湖"}}


def shown(*centres: dict[str, Any]) -> list[tuple[str, str]]:
    all_ = [offers.options_of(need) for need in offers.needs(centres)]
    return [(offers.shown_as(one, NAMES, "en"), offers.shown_as(one, NAMES, "zh")) for one in all_]


def test_one_for_each_way_to_ask() -> None:
    east = centre("east", cores=16, accelerators={"dcu": [4, 0]}, software=["climate"])
    assert shown(east) == [
        ("Python · anywhere", "Python · 任意中心"),
        ("Python · 8 cores", "Python · 8 核"),
        ("Python · dcu", "Python · dcu"),
        ("Python · climate", "Python · climate"),
        ("Python · East Lake", "Python · 东湖"),
    ]


def test_only_what_some_centre_could_start() -> None:
    """More cores than one job may have, kinds that nobody has, and centres where nothing new starts."""
    assert shown(centre("east", cores=4)) == [
        ("Python · anywhere", "Python · 任意中心"),
        ("Python · East Lake", "Python · 东湖"),
    ]
    many_nodes = centre("east", cores=4)
    many_nodes["shares"][0]["cores_total"] = 16
    assert len(shown(many_nodes)) == 2
    untold = centre("east")
    del untold["shares"][0]["cores_max"]
    assert len(shown(untold)) == 2, "an older broker says nothing of it"
    for state in ("draining", "unreachable"):
        assert shown(centre("east", state, cores=64, software=["climate"])) == []
    assert shown() == []


def test_a_name_tells_its_need_without_the_broker() -> None:
    for need in offers.needs([centre("east", cores=64, accelerators={"dcu": [1, 1]}, software=["py-3.11"])]):
        name = offers.name_of(offers.options_of(need))
        spec = offers.specification(name, {}, "en")
        assert spec is not None
        provisioner = spec["metadata"]["kernel_provisioner"]
        assert provisioner["config"]["options"] == offers.options_of(need)


def test_a_launch_tells_under_which_name_it_was_asked_for() -> None:
    need = Need(2, 4096, 240, centre="east")
    assert offers.from_query(need.to_query()) == offers.options_of(need)


def test_other_names_are_none_of_ours() -> None:
    for name in (
        "python3",
        "sampan",
        "sampan--",
        "sampan--cores",
        "sampan--shell-rm",
        "sampan--cores-a;b",
        "x--cores-1",
    ):
        assert offers.specification(name, {}, "en") is None


def test_what_no_name_can_hold_is_not_offered() -> None:
    odd = centre("east", software=["a/b", "c--d"])
    assert [one for one, _ in shown(odd)] == ["Python · anywhere", "Python · East Lake"]


def test_for_no_longer_than_a_centre_allows() -> None:
    short, long = centre("east"), centre("west")
    short["shares"][0]["max_hours"] = 2
    minutes = {need.centre: need.minutes for need in offers.needs([short, long])}
    assert minutes == {None: 240, "east": 120, "west": 240}
