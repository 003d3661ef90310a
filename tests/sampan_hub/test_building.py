"""An environment is made at a centre of this machine by real venv and pip, from a lock of a few tiny wheels."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sampan.errors import Invalid, Refused, Unavailable
from sampan_hub import building, demo_account
from sampan_hub.building import Builder
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from sampan_hub.environments import RECORD, Place
from sampan_hub.own_wheel import OwnWheel, own_wheel
from sampan_hub.user_lock import UserLock
from tests.sampan_hub.descriptions import here
from tests.sampan_hub.tiny_wheels import tiny_lock, tiny_wheel

BASE = os.path.realpath(sys.executable)
STEPS = [
    "environment.looking",
    "environment.fetching",
    "environment.carrying",
    "environment.installing",
    "environment.trying",
    "environment.built",
]


class Harbour:
    """A centre whose environment Sampan makes, and what it is made from."""

    def __init__(self, place: Path, folder: Path) -> None:
        self.place = place
        self.folder = folder
        self.registry = folder / "registry"
        self.lock = tiny_lock(self.registry, alpha="1.0")
        self.own = own_wheel()
        self.centre = self.described()

    def described(self, environment: str = "") -> Centre:
        text = here("a", str(self.place), python="/x", account=demo_account.ensure())
        environment = environment or f"{{prefix: {self.place}, base: {BASE}}}"
        result = parse_descriptor(text.replace("{python: /x}", environment), "a.yaml")
        assert isinstance(result, Descriptor), result
        centre = make_centre(result)
        if result.environment.prefix:
            facts = result.environment.model_copy(update={"python": self.python(self.lock)})
            centre.descriptor = result.model_copy(update={"environment": facts})
        return centre

    def python(self, lock: UserLock) -> str:
        return Place(str(self.place), lock.name).python

    def builder(self, own: OwnWheel | None = None) -> Builder:
        return Builder(self.centre, self.lock, own or self.own, self.folder / "wheels")

    async def build(self, own: OwnWheel | None = None) -> list[str]:
        """The codes of what was said, each once."""
        said = [step async for step in self.builder(own).build()]
        assert [step.progress for step in said] == sorted(step.progress for step in said)
        return list(dict.fromkeys(step.message.code for step in said))

    async def build_until(self, code: str) -> None:
        """Killed after that word."""
        running = self.builder().build()
        async for step in running:
            if step.message.code == code:
                break
        await running.aclose()

    def builds(self) -> set[str]:
        return {path.name for path in (self.place / "builds").iterdir()}

    def says(self, code: str, python: str = "") -> str:
        argv = [python or self.python(self.lock), "-I", "-c", code]
        account = demo_account.ensure()
        as_whom = {"user": account, "group": account, "extra_groups": []} if account else {}
        done = subprocess.run(
            argv, capture_output=True, text=True, check=True, cwd="/", timeout=60, **as_whom
        )  # type: ignore[call-overload]
        return str(done.stdout.strip())


@pytest.fixture
def harbour(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "registry"))
    return Harbour(place, tmp_path)


async def test_from_nothing_to_one_that_is_in_use(harbour: Harbour) -> None:
    assert await harbour.centre.vetting.unfit() is not None
    assert await harbour.build() == STEPS
    assert harbour.says("import alpha, sampan_kernels.report; print(alpha.n)") == "1.0"
    [name] = harbour.builds()
    build = harbour.place / "builds" / name
    assert (harbour.place / harbour.lock.name).resolve() == build
    record = json.loads((build / RECORD).read_text())
    assert (record["lock"], record["wheel"]) == (harbour.lock.digest, harbour.own.digest)
    assert record["python"] == harbour.says("import platform; print(platform.python_version())")
    # Everybody's, and nobody's to write but the service account's.
    for path in (build, *build.rglob("*")):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 in (0o44, 0o55), path
    # Looked at, it is as it should be; made again, there is nothing to do.
    facts = await building.look(harbour.centre)
    machine = await building.machine_of(harbour.centre, BASE)
    assert building.compare(harbour.centre, facts, harbour.lock, harbour.own, machine) == ()
    assert await harbour.build() == ["environment.looking", "environment.current"]
    assert harbour.builds() == {name}


@pytest.mark.parametrize("code", ["environment.carrying", "environment.installing", "environment.trying"])
async def test_killed_in_the_middle_nothing_is_used_and_it_goes_on(harbour: Harbour, code: str) -> None:
    await harbour.build_until(code)
    assert not (harbour.place / harbour.lock.name).exists()
    left = harbour.builds()
    assert await harbour.build() == [step for step in STEPS if step != "environment.fetching"]
    assert len(harbour.builds()) == 1
    assert not left & harbour.builds(), "what was half made is gone"


async def test_a_new_sampan_turns_the_link_and_leaves_the_old_one_to_those_who_have_it(
    harbour: Harbour,
) -> None:
    await harbour.build()
    [old] = harbour.builds()
    running = str(harbour.place / "builds" / old / "bin" / "python")
    newer = replace(harbour.own, data=_with_comment(harbour.own.data))
    assert newer.digest != harbour.own.digest
    facts = await building.look(harbour.centre)
    machine = await building.machine_of(harbour.centre, BASE)
    [told] = building.compare(harbour.centre, facts, harbour.lock, newer, machine)
    assert told.code == "environment.sampan"
    await asyncio.sleep(1)  # a build is called by the second it began in
    assert "environment.built" in await harbour.build(newer)
    assert len(harbour.builds()) == 2
    assert harbour.says("import sys; print(sys.prefix)", running) == str(harbour.place / "builds" / old)
    assert newer.digest[:8] in (harbour.place / harbour.lock.name).readlink().name


async def test_a_new_lock_has_a_link_of_its_own(harbour: Harbour) -> None:
    """Two hubs, the old and the new one, each find theirs."""
    await harbour.build()
    before = harbour.python(harbour.lock)
    harbour.lock = tiny_lock(harbour.registry, alpha="1.1")
    harbour.centre = harbour.described()
    assert await harbour.build() == STEPS
    assert harbour.says("import alpha; print(alpha.n)") == "1.1"
    assert harbour.says("import alpha; print(alpha.n)", before) == "1.0"


async def test_what_differs_is_told(harbour: Harbour) -> None:
    await harbour.build()
    site = next((harbour.place / harbour.lock.name / "lib").glob("python3*/site-packages"))
    (site / "jupyterhub" / "singleuser" / "app.py").write_text("raise ImportError('libfoo.so is missing')\n")
    (site / "alpha-1.0.dist-info").rename(site / "alpha-0.9.dist-info")
    metadata = site / "alpha-0.9.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "0.9"))
    facts = await building.look(harbour.centre)
    machine = await building.machine_of(harbour.centre, BASE)
    told = building.compare(harbour.centre, facts, harbour.lock, harbour.own, machine)
    assert [message.code for message in told] == ["environment.packages", "environment.broken"]
    assert "alpha 0.9 (1.0)" in told[0].say("en")
    assert "libfoo.so is missing" in told[1].say("en")
    assert told[1].say("en").endswith("sampan env build a")
    await asyncio.sleep(1)
    assert "environment.built" in await harbour.build()
    facts = await building.look(harbour.centre)
    assert building.compare(harbour.centre, facts, harbour.lock, harbour.own, machine) == ()


async def test_one_that_does_not_work_is_never_used(harbour: Harbour) -> None:
    """A package whose import fails at that centre: found before the link leads to it."""
    text = tiny_lock(harbour.registry, numpy="2.0")
    (harbour.registry / "numpy-2.0-py3-none-any.whl").unlink()
    line = tiny_wheel(
        harbour.registry, "numpy", "2.0", {"numpy.py": "raise OSError('GLIBC_2.99 not found')\n"}
    )
    harbour.lock = UserLock("".join([*text.text.splitlines(keepends=True)[:-1], line]))
    harbour.centre = harbour.described()
    with pytest.raises(Refused) as caught:
        await harbour.build()
    assert caught.value.code == "environment.wrong"
    assert "GLIBC_2.99 not found" in caught.value.message.say("zh")
    assert "env build" not in caught.value.message.say("en")
    assert not (harbour.place / harbour.lock.name).exists()


async def test_where_nothing_can_be_written(harbour: Harbour) -> None:
    harbour.centre = harbour.described(f"{{prefix: /proc/sampan, base: {BASE}}}")
    with pytest.raises(Refused) as caught:
        await harbour.build()
    assert "/proc/sampan" in caught.value.message.say("en")


async def test_a_base_that_is_no_python(harbour: Harbour) -> None:
    harbour.centre = harbour.described(f"{{prefix: {harbour.place}, base: /usr/bin/env}}")
    with pytest.raises((Refused, Unavailable)):
        await harbour.build()


def test_the_operators_own_is_not_made(harbour: Harbour) -> None:
    centre = harbour.described("{python: /opt/theirs/bin/python}")
    with pytest.raises(Invalid) as caught:
        Builder(centre, harbour.lock, harbour.own, harbour.folder)
    assert caught.value.code == "environment.theirs"


def _with_comment(data: bytes) -> bytes:
    """The same wheel with a word behind it: what a new one differs in does not matter here."""
    word = b"newer"
    end = data.rindex(b"PK\x05\x06")
    return data[: end + 20] + len(word).to_bytes(2, "little") + word
