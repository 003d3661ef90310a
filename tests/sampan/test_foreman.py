"""A cluster's way to the broker: what is asked for one by one is one question. With workers it is in test_job_cluster.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from sampan.client import AsyncBroker
from sampan.foreman import Foreman
from tests.sampan.small_broker import TOKEN, SmallBroker, listening, served

pytestmark = pytest.mark.fast


@pytest.fixture
def small() -> SmallBroker:
    small = SmallBroker()
    small.answer_with = (204, "")
    return small


@pytest.fixture
async def foreman(small: SmallBroker) -> AsyncIterator[Foreman]:
    with listening() as sock:
        async with served(small, sock) as url, AsyncBroker(url, token=TOKEN, deadline=30) as broker:
            yield Foreman(broker, "c0000000", {})


def given_back(small: SmallBroker) -> list[list[str]]:
    return [body["jobs"] for method, url, _, body in small.asked if url.endswith("/clusters/c0000000/leave")]


async def test_workers_that_go_together_are_one_question(small: SmallBroker, foreman: Foreman) -> None:
    jobs = [f"7_{number}" for number in range(60)]
    await asyncio.gather(*(foreman.dismiss(job) for job in jobs))
    asked = given_back(small)
    assert [len(some) for some in asked] == [25, 25, 10]
    assert [job for some in asked for job in some] == jobs
    await foreman.dismiss("8")
    assert given_back(small)[3:] == [["8"]]


async def test_a_broker_that_does_not_hear_of_it_is_told_and_nobody_waits(
    small: SmallBroker, foreman: Foreman, caplog: pytest.LogCaptureFixture
) -> None:
    small.answer_with = (503, "away")
    with caplog.at_level(logging.WARNING, "sampan.foreman"):
        await asyncio.gather(foreman.dismiss("7"), foreman.dismiss("8"))
    assert "jobs 7, 8 could not be cancelled" in caplog.text
    foreman.leaving = True
    await foreman.dismiss("9")
    assert len(given_back(small)) == 1
