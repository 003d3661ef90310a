"""What holds for everybody, as scontrol tells it to an ordinary user."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.errors import SampanError, Unavailable
from sampan_hub.rules import Rules
from tests.sampan_hub.schedulers.slurm_answers import dialect, failed, recorded, said


def read(text: str) -> Rules:
    return dialect().rules().parse(said(text))


def test_which_quality_of_service_a_queue_imposes() -> None:
    assert dialect().rules().parse(recorded("scontrol-rules")).qualities == {"work": "partq"}


def test_what_is_no_answer() -> None:
    no_contact = failed("slurm_load_partitions error: Unable to contact slurm controller (connect failure)\n")
    for done in (said(""), said("scontrol: show partition\n"), no_contact):
        with pytest.raises(Unavailable):
            dialect().rules().parse(done)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    line = text.replace("\n", " ")
    for whole in (text, f"PartitionName={line}\n", f"PartitionName=a {line}\n"):
        try:
            read(whole)
        except SampanError:
            continue
