"""What every scheduler's dialect must do, spoken to a real scheduler: `class TestMine(SchedulerContract)`.

Fixtures to provide: `scheduler`, the dialect; `run`, which runs one of its asks at the centre; `logs`, a folder there that
the jobs' account may write to; `account`, its name; `queue`, the scheduler's name of a queue with room for two jobs of one
core each.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from sampan.errors import Refused
from sampan_hub.asks import Ask
from sampan_hub.jobs import FoundJob, JobSpec, JobState, JobStatus
from sampan_hub.limits import Limit
from sampan_hub.rules import Rules
from sampan_hub.schedulers import Scheduler
from sampan_hub.testing.answers_contract import AnswersContract

__all__ = ["Run", "SchedulerContract"]

Run = Callable[[Ask[Any]], Awaitable[Any]]
SOON: Final = 30.0
"""Seconds in which a scheduler with room starts, ends or forgets a small job."""


class SchedulerContract(AnswersContract):
    """Subclass it and provide the fixtures named above."""

    _numbers = itertools.count(1)

    @pytest.fixture
    def spec(self, queue: str, logs: str) -> JobSpec:
        """See `a_spec`; for another kind of job override this fixture."""
        return self.a_spec(queue, logs)

    def a_spec(self, queue: str, logs: str) -> JobSpec:
        """A job of one core under a tag of its own; tests replace what they need."""
        tag = f"sampan-test{time.time_ns() % 10**6}-job{next(self._numbers)}-1"
        return JobSpec(tag, queue, 1, 64, 5, "#!/bin/bash\nexit 0\n", f"{logs}/{tag}.log")

    async def until(self, scheduler: Scheduler, run: Run, job: str, *states: JobState) -> JobStatus:
        """The job's status once it is in one of these states; of an end, what the records say."""
        async with asyncio.timeout(SOON):
            while True:
                status: JobStatus | None = (await run(scheduler.status([job]))).statuses.get(job)
                if status is None or not status.whole:
                    status = (await run(scheduler.ended([job]))).get(job)
                if status is not None and status.state in states:
                    return status
                await asyncio.sleep(0.05)

    async def _told_of(self, run: Run, ask: Ask[Any], number: int) -> Any:
        """What the records say of so many jobs; they may be a little late."""
        async with asyncio.timeout(SOON):
            while len(found := await run(ask)) < number:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.05)
            return found

    # --- the life of a job

    async def test_a_job_runs_and_ends(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        before = time.time()
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\necho hello\nsleep 1\n")))
        running = await self.until(scheduler, run, job, JobState.RUNNING)
        assert len(running.nodes) == 1
        assert running.why is None
        ended = await self.until(scheduler, run, job, JobState.ENDED)
        assert (ended.exit_code, ended.why and ended.why.code) == (0, "ended.finished")
        assert ended.submitted_at is not None
        assert ended.started_at is not None
        assert ended.ended_at is not None
        # Some schedulers tell whole seconds.
        assert before - 2 <= ended.submitted_at <= ended.started_at <= ended.ended_at <= time.time() + 2
        assert (await run(Ask("log", ("cat", spec.log), lambda done: done.stdout))) == "hello\n"

    async def test_why_it_ended_is_kept(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nexit 7\n")))
        ended = await self.until(scheduler, run, job, JobState.ENDED)
        assert ended.exit_code == 7
        assert ended.why is not None
        assert (ended.why.code, ended.why.params["code"]) == ("ended.failed", 7)

    async def test_the_script_arrives_as_it_is(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        text = "#!/bin/bash\nprintf '%s' '$(id) `id` \\ %j \u2028 中文 {{x}}'\n"
        job = await run(scheduler.submit(replace(spec, script=text)))
        await self.until(scheduler, run, job, JobState.ENDED)
        log = await run(Ask("log", ("cat", spec.log), lambda done: done.stdout))
        assert log == "$(id) `id` \\ %j \u2028 中文 {{x}}"

    async def test_one_question_for_many(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        first = await run(scheduler.submit(spec))
        second = await run(scheduler.submit(replace(spec, tag=f"{spec.tag}0")))
        assert first != second
        jobs = await run(scheduler.status([first, second, "999999999"]))
        assert set(jobs.statuses) == {first, second}
        await self.until(scheduler, run, first, JobState.ENDED)
        await self.until(scheduler, run, second, JobState.ENDED)
        records = await self._told_of(run, scheduler.ended([first, second, "999999999"]), 2)
        assert set(records) == {first, second}

    async def test_asked_about_nobody_there_is_an_answer(self, scheduler: Scheduler, run: Run) -> None:
        assert (await run(scheduler.status([]))).statuses == {}
        assert await run(scheduler.ended([])) == {}

    async def test_what_lives_is_not_said_to_have_ended(
        self, scheduler: Scheduler, run: Run, spec: JobSpec
    ) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 600\n")))
        await self.until(scheduler, run, job, JobState.RUNNING)
        record = (await run(scheduler.ended([job]))).get(job)
        assert record is None or record.state is not JobState.ENDED
        await run(scheduler.cancel(job, spec.tag))
        await self.until(scheduler, run, job, JobState.ENDED)

    async def test_a_job_that_cannot_be_is_refused(
        self, scheduler: Scheduler, run: Run, spec: JobSpec
    ) -> None:
        """At once, or by what is said of it: that it will never start."""
        refused, job = None, ""
        try:
            job = await run(scheduler.submit(replace(spec, cores=30_000)))
        except Refused as error:
            refused = error.message
        if refused is not None:
            assert refused.say("en") != refused.code
            left = await run(scheduler.find([spec.tag]))
            statuses = (await run(scheduler.status([found.id for found in left]))).statuses
            assert all(status.state is JobState.ENDED for status in statuses.values())
            return
        status = await self.until(scheduler, run, job, JobState.QUEUED)
        assert status.never
        assert status.why is not None
        await run(scheduler.cancel(job, spec.tag))

    # --- finding

    async def test_found_by_tag_also_after_its_end(
        self, scheduler: Scheduler, run: Run, spec: JobSpec
    ) -> None:
        """A submission whose answer was lost is found again, however short the job."""
        job = await run(scheduler.submit(spec))
        other = await run(scheduler.submit(replace(spec, tag=f"{spec.tag}0")))
        await self.until(scheduler, run, job, JobState.ENDED)
        await self.until(scheduler, run, other, JobState.ENDED)
        found = await self._looked_for(scheduler, run, spec.tag)
        assert {(one.id, one.tag, bool(one.account)) for one in found} == {(job, spec.tag, True)}
        both = await self._looked_for(scheduler, run, spec.tag, f"{spec.tag}0")
        assert {found.id for found in both} == {job, other}

    async def test_found_by_tag_at_once(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 600\n")))
        assert [found.id for found in await run(scheduler.find([spec.tag]))] == [job]
        await run(scheduler.cancel(job, spec.tag))
        await self.until(scheduler, run, job, JobState.ENDED)

    async def test_what_a_job_was_made_of(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        text = "#!/bin/bash\n# 中文 $(id) \u2028 {{x}}\nsleep 600\n"
        job = await run(scheduler.submit(replace(spec, script=text)))
        assert await run(scheduler.script(job, spec.tag)) == text
        await self.until(scheduler, run, job, JobState.RUNNING)
        assert await run(scheduler.script(job, spec.tag)) == text
        await run(scheduler.cancel(job, spec.tag))
        await self.until(scheduler, run, job, JobState.ENDED)
        assert await run(scheduler.script("999999999", spec.tag)) is None

    async def _looked_for(self, scheduler: Scheduler, run: Run, *tags: str) -> list[FoundJob]:
        """As before a tag is submitted again: among what the scheduler shows, then in its records."""
        return [*await run(scheduler.find(tags)), *await run(scheduler.recall(tags))]

    async def test_all_that_live_are_found(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 600\n")))
        assert job in {found.id for found in await run(scheduler.find([]))}
        await self.until(scheduler, run, job, JobState.RUNNING)
        assert [found.began for found in await run(scheduler.find([])) if found.id == job] == [True]
        await run(scheduler.cancel(job, spec.tag))
        await self.until(scheduler, run, job, JobState.ENDED)

    # --- ending

    async def test_cancelled_and_confirmed(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 600\n")))
        await self.until(scheduler, run, job, JobState.RUNNING)
        await run(scheduler.cancel(job, spec.tag))
        ended = await self.until(scheduler, run, job, JobState.ENDED)
        assert ended.why is not None
        # By whom, is told where it is known.
        assert ended.why.code.startswith("ended.cancelled")
        await run(scheduler.cancel(job, spec.tag))

    async def test_only_what_carries_the_tag_is_cancelled(
        self, scheduler: Scheduler, run: Run, spec: JobSpec
    ) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 600\n")))
        await self.until(scheduler, run, job, JobState.RUNNING)
        with contextlib.suppress(Refused):
            await run(scheduler.cancel(job, f"{spec.tag}0"))
        status = (await run(scheduler.status([job]))).statuses[job]
        assert status.state is JobState.RUNNING
        await run(scheduler.cancel(job, spec.tag))

    async def test_what_is_gone_can_be_cancelled(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        await run(scheduler.cancel("999999999", spec.tag))

    # --- figures

    async def test_a_running_job_takes_what_it_asked_for(
        self, scheduler: Scheduler, run: Run, spec: JobSpec
    ) -> None:
        free = await self._free(scheduler, run, spec.queue)
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 600\n")))
        await self.until(scheduler, run, job, JobState.RUNNING)
        assert await self._free(scheduler, run, spec.queue) == free - 1
        await run(scheduler.cancel(job, spec.tag))
        await self.until(scheduler, run, job, JobState.ENDED)
        async with asyncio.timeout(SOON):
            while await self._free(scheduler, run, spec.queue) != free:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.05)

    async def _free(self, scheduler: Scheduler, run: Run, queue: str) -> int:
        reading = await run(scheduler.capacity())
        nodes = [node for node in reading.nodes if queue in node.queues]
        assert nodes
        assert len({node.name for node in reading.nodes}) == len(reading.nodes), "each node once"
        assert all(0 <= node.cores_free <= node.cores for node in nodes)
        assert all(0 <= node.memory_mib_free <= node.memory_mib for node in nodes)
        return sum(node.cores_free for node in nodes if node.up)

    async def test_usage_is_what_was_held(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        job = await run(scheduler.submit(replace(spec, script="#!/bin/bash\nsleep 2\n")))
        ended = await self.until(scheduler, run, job, JobState.ENDED)
        usage = (await self._told_of(run, scheduler.usage([job]), 1))[job]
        assert usage.started_at == ended.started_at
        assert usage.ended_at == ended.ended_at
        assert 1 <= usage.core_seconds <= 6

    async def test_what_a_person_may_have(self, scheduler: Scheduler, run: Run, account: str) -> None:
        """No limit is more than somebody said; a project comes once for each queue."""
        rules: Rules = await run(scheduler.rules())
        limits: tuple[Limit, ...] = await run(scheduler.limits(account, rules))
        assert len({(limit.queue, limit.account) for limit in limits}) == len(limits)
        for limit in limits:
            bounds = (limit.minutes, limit.cores, limit.memory_mib, limit.jobs, limit.submitted)
            assert all(bound is None or bound >= 0 for bound in (*bounds, *limit.accelerators.values()))

    async def test_a_start_that_is_expected(self, scheduler: Scheduler, run: Run, spec: JobSpec) -> None:
        """A hint: nothing is submitted for it."""
        start = await run(scheduler.expected_start(spec))
        assert start is None or start >= time.time() - 60
        assert await run(scheduler.find([spec.tag])) == []
