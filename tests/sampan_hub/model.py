"""What must hold whatever happens, as a machine of rules that Hypothesis plays against the broker.

https://hypothesis.readthedocs.io/en/latest/stateful.html. One play is a world of two scripted centres; the rules are what
people, centres, networks and kill -9 do; what must hold is looked at after each, and once more when everything is healed.
"""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sampan.errors import Unavailable, Unreachable
from sampan.messages import Message
from sampan_hub.jobs import JobState
from tests.sampan_hub.broken_world import HUB, Ground, World
from tests.sampan_hub.scripted_site import ACCOUNT, ScriptedJob

__all__ = ["Launches"]

CENTRES = st.sampled_from(World.CENTRES)
PEOPLE = st.sampled_from(("alice", "bob"))
VERBS = ("submit", "status", "find", "recall", "ended", "cancel", "capacity")
ACTS = st.integers(-2, 12).map(lambda halves: None if halves < 0 else halves)
"""Half acts after which the broker is killed; None: it is not."""
FOREIGN = ("another hub's", "another owner's", "without papers", "older")
"""Jobs that are not ours: of another hub; of another account under a tag of ours; under a tag such as ours that no papers
prove; and with our tag and account, but from before the attempt of that tag: the number of another copy of the database."""
ENDS = st.sampled_from(("ended.finished", "ended.node", "ended.time"))
ROUNDS = 60


class Launches(RuleBasedStateMachine):
    """{start, stop, poll, crash at any act, restart, cut, heal, lie, forget, tick} in any order."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.ground)
        self.known: list[str] = []
        self.stopped: set[str] = set()
        self.finished: set[str] = set()
        """Launches of which a job has ended by itself: that is its person's word, also against what was to take its place."""
        self.moved: set[str] = set()
        self.held: dict[str, set[str]] = {}
        """Launch → its jobs that were ever given the identity."""

    def teardown(self) -> None:
        try:
            self._settle()
        finally:
            self.world.close()

    # --- people and the hub

    @initialize(peace=st.integers(0, 6))
    def somebody_is_there(self, peace: int) -> None:
        """Most of what can break is on the way to a server, or behind it: a play begins somewhere on that way."""
        self.start("alice")
        self.some_time_of_peace(peace)

    @rule(owner=PEOPLE)
    def start(self, owner: str) -> None:
        """Also twice, and from two tabs: it is one launch while it lives."""
        launch = self.world.start(owner, "")
        if launch is not None and launch not in self.known:
            others = [one for one in self.known if self.world.rows()[one][0].owner == owner]
            assert all(self.world.rows()[one][0].ended_at is not None for one in others)
            self.known.append(launch)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        launch = data.draw(st.sampled_from(self.known), "launch")
        if self.world.rows()[launch][0].ended_at is None:
            self.world.stop(launch)
            self.stopped.add(launch)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), dies=ACTS)
    def moves_on(self, data: st.DataObject, dies: int | None) -> None:
        """Somebody wants a new walltime: for a while there are two attempts, and one of them holds the identity."""
        launch = data.draw(st.sampled_from(sorted(self.held)), "launch")
        self.moved.add(launch)
        self.world.move_on(launch, dies)

    # --- the broker

    @precondition(lambda self: self.known)
    @rule(data=st.data(), dies=ACTS)
    def poll(self, data: st.DataObject, dies: int | None) -> None:
        launch = data.draw(st.sampled_from(self.known), "launch")
        self.world.step(launch, dies)

    @rule(centre=CENTRES, sweeps=st.booleans(), dies=ACTS)
    def looks(self, centre: str, sweeps: bool, dies: int | None) -> None:
        (self.world.sweep if sweeps else self.world.tick)(centre, dies)

    @rule(rounds=st.integers(1, 6))
    def some_time_of_peace(self, rounds: int) -> None:
        """Everybody has their turn, and the launchers of running jobs answer."""
        for _ in range(rounds):
            self._round()
            for launch in self.known:
                self._answer(launch)

    @rule(seconds=st.sampled_from((0.0, 3.0, 15.0, 70.0, 400.0, 4000.0)))
    def restart(self, seconds: float) -> None:
        """After a while in which nothing ran."""
        self.ground.ahead += seconds
        self.world.die()

    @rule(seconds=st.sampled_from((1.0, 3.0, 15.0, 70.0, 400.0)))
    def time_passes(self, seconds: float) -> None:
        self.ground.ahead += seconds

    # --- centres

    @rule(centre=CENTRES, fault=st.sampled_from(("cut", "healed", *VERBS)))
    def the_way_is(self, centre: str, fault: str) -> None:
        """Cut, or there again, or one question has no answer from now on."""
        trouble = self.world.sites[centre].trouble
        if fault == "healed":
            trouble.clear()
        elif fault == "cut":
            trouble["*"] = Unreachable("centre.unreachable", centre=centre)
        else:
            trouble[fault] = Unavailable("scheduler.no_answer")

    @rule(centre=CENTRES, verb=st.sampled_from(("submit", "cancel")))
    def loses_a_reply(self, centre: str, verb: str) -> None:
        self.world.sites[centre].lost_replies[verb] = Unavailable("scheduler.no_answer")

    @rule(
        centre=CENTRES,
        first=st.sampled_from((JobState.QUEUED, JobState.RUNNING, JobState.UNKNOWN)),
        kills=st.booleans(),
        free=st.integers(0, 4),
    )
    def changes_its_ways(self, centre: str, first: JobState, kills: bool, free: int) -> None:
        """What becomes of new jobs, whether a cancel ends one at once, how much it says is free: it may lie."""
        site = self.world.sites[centre]
        site.first_state, site.kills, site.cores_free = first, kills, free

    @rule(data=st.data(), state=st.sampled_from((*JobState, JobState.UNKNOWN)), why=ENDS)
    def job_becomes(self, data: st.DataObject, state: JobState, why: str) -> None:
        """Also back: requeued, suspended, in a state that nobody knows."""
        live = [(centre, job.id) for centre, site in self.world.sites.items() for job in site.live]
        if not live:
            return
        centre, number = data.draw(st.sampled_from(live), "job")
        job = self.world.sites[centre].jobs[number]
        job.state = state
        if state is JobState.ENDED:
            job.why = Message(why)
            if why == "ended.finished":
                self.finished.add(job.tag.split("-")[2])

    @rule(centre=CENTRES, records=st.booleans())
    def forgets(self, centre: str, records: bool) -> None:
        """Jobs that are over leave the scheduler's memory, and may never have come into its records."""
        site = self.world.sites[centre]
        for job in site.jobs.values():
            if job.state is JobState.ENDED and job.id not in site.forgotten:
                site.forgotten.add(job.id)
                if records:
                    site.records[job.id] = job

    @rule(
        centre=CENTRES,
        kind=st.sampled_from(FOREIGN),
        state=st.sampled_from((JobState.RUNNING, JobState.QUEUED)),
    )
    def a_foreign_job_comes(self, centre: str, kind: str, state: JobState) -> None:
        site, account = self.world.sites[centre], "mallory" if kind == "another owner's" else ACCOUNT
        hub = "other1" if kind == "another hub's" else HUB
        tag, at = f"sampan-{hub}-abcdefgh1234-1", self.world.services.now()
        every = [
            one for _, attempts in self.world.rows().values() for one in attempts if one.centre == centre
        ]
        # Whose job is known, for that nobody looks by its tag.
        known = [one for one in every if one.job is not None]
        if kind == "another owner's" and every:
            tag = every[-1].tag
        elif kind == "older" and known:
            tag, at = known[-1].tag, known[-1].created_at - 4000.0
        number = f"f{len(site.jobs) + 1}"
        site.jobs[number] = ScriptedJob(number, tag, account, state, submitted_at=at)
        self.world.foreign.add((centre, number))

    # --- what must hold

    @invariant()
    def one_job_at_most_holds_an_identity(self) -> None:
        live = self.world.live_jobs()
        for launch, held in self.held.items():
            alive = {f"{centre}/{job.id}" for centre, job in live.get(launch, [])} & held
            assert len(alive) <= 1, f"{launch} is served by {alive}"

    @invariant()
    def a_submission_is_one_job(self) -> None:
        """Also of jobs that are over: whoever lost a reply looks for the tag first."""
        for centre, site in self.world.sites.items():
            ours = [job.tag for job in site.jobs.values() if (centre, job.id) not in self.world.foreign]
            assert len(ours) == len(set(ours)), f"submitted twice: {ours}"

    @invariant()
    def no_launch_ends_while_the_job_that_served_it_lives(self) -> None:
        live, rows = self.world.live_jobs(), self.world.rows()
        for launch, held in self.held.items():
            alive = {f"{centre}/{job.id}" for centre, job in live.get(launch, [])} & held
            assert rows[launch][0].ended_at is None or not alive, f"{launch} ended without evidence"

    @invariant()
    def nothing_foreign_is_touched(self) -> None:
        """Nor taken for a job of ours."""
        cancelled = {(centre, job) for centre, site in self.world.sites.items() for job in site.cancelled}
        assert not cancelled & self.world.foreign, f"cancelled {cancelled & self.world.foreign}"
        taken = {(one.centre, one.job) for _, attempts in self.world.rows().values() for one in attempts}
        assert not taken & self.world.foreign, f"taken for ours: {taken & self.world.foreign}"

    @invariant()
    def who_is_served_loses_no_job_but_by_their_own_word(self) -> None:
        """Nothing is cancelled because nobody knows what it does."""
        cancelled = {f"{centre}/{job}" for centre, site in self.world.sites.items() for job in site.cancelled}
        for launch, held in self.held.items():
            meant = launch in self.stopped | self.finished | self.moved
            assert meant or not cancelled & held, f"{launch} was cancelled by nobody"

    @invariant()
    def whoever_was_not_stopped_is_not_stopped(self) -> None:
        for launch, (row, _) in self.world.rows().items():
            meant = launch in self.stopped | self.finished
            assert row.target == "ready" or meant, f"{launch} was stopped by nobody"

    def _answer(self, launch: str) -> None:
        self.world.rival_reached(launch)
        job = self.world.made_ready(launch)
        if job is not None:
            self.held.setdefault(launch, set()).add(job)

    def _round(self) -> None:
        for launch in self.known:
            self.world.step(launch)
        for centre in World.CENTRES:
            self.world.tick(centre)
        self.ground.ahead += 1.0

    def _settle(self) -> None:
        """All is healed, and everybody has had their turn: then nothing is left over, and every stop has won."""
        for site in self.world.sites.values():
            site.trouble.clear()
            site.lost_replies.clear()
            site.kills, site.first_state = True, JobState.RUNNING
            for job in site.live:
                if job.state is JobState.UNKNOWN:
                    job.state = JobState.RUNNING
        for _ in range(ROUNDS):
            self._round()
            rows = self.world.rows()
            if all(rows[launch][0].ended_at is not None for launch in self.stopped):
                break
        for centre in World.CENTRES:
            self.world.sweep(centre)
            self.world.tick(centre)
        rows, live = self.world.rows(), self.world.live_jobs()
        for launch in self.stopped:
            assert rows[launch][0].ended_at is not None, f"{launch} was stopped and has not ended"
            assert not live.get(launch), f"{launch} was stopped and runs"
        for launch, jobs in live.items():
            attempts = rows[launch][1] if launch in rows else ()
            wanted = {one.tag for one in attempts if one.ended_at is None}
            assert len(jobs) <= len(wanted), f"{launch} has {len(jobs)} jobs for {len(wanted)} attempts"
            for centre, job in jobs:
                assert job.tag in wanted, f"job {job.id} at {centre} has no live row after a sweep"
        self.a_submission_is_one_job()
        self.who_is_served_loses_no_job_but_by_their_own_word()
        self.nothing_foreign_is_touched()
