"""The encoding of a need: links that people share keep their meaning."""

from __future__ import annotations

from sampan.need import Need


def test_the_query_of_a_link_is_stable() -> None:
    need = Need(
        cores=4,
        memory_mib=6144,
        minutes=90,
        accelerator="dcu",
        accelerators=2,
        data=("era5", "a1b"),
        centre="east",
    )
    assert need.to_query() == (
        "opt-v=1&opt-cores=4&opt-memory=6&opt-hours=1.5&opt-accelerator=dcu&opt-accelerators=2"
        "&opt-data=era5%2Ca1b&opt-centre=east"
    )


def test_what_is_not_asked_for_is_not_in_it() -> None:
    assert Need().to_options() == {"v": "1", "cores": "1", "memory": "2", "hours": "2"}


def test_json_and_back() -> None:
    need = Need(cores=3, data=("era5",), software="py")
    assert Need.from_json(need.to_json()) == need
