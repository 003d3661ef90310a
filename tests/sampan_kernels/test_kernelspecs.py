"""The kernels that a Jupyter server offers: those here, and those elsewhere as the broker says of the centres just now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from jupyter_client.kernelspec import NoSuchKernel

from sampan_kernels import kernelspecs
from sampan_kernels.kernelspecs import CentreKernelSpecs
from tests.sampan.small_broker import CENTRES, TOKEN, SmallBroker, listening, served

ANYWHERE = "sampan--cores-2--memory-4--hours-4"
OFFERED = {"Python · anywhere", "Python · 8 cores", "Python · dcu", "Python · East"}
EAST, WEST = f"{ANYWHERE}--centre-east", f"{ANYWHERE}--centre-west"


@pytest_asyncio.fixture
async def broker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SmallBroker]:
    made = SmallBroker()
    with listening() as sock:
        async with served(made, sock) as url:
            monkeypatch.setenv("SAMPAN_URL", url)
            monkeypatch.setenv("SAMPAN_TOKEN", TOKEN)
            yield made


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CentreKernelSpecs:
    """With one kernel here. It asks at each look, in English."""
    monkeypatch.setattr(kernelspecs, "FRESH", 0.0)
    monkeypatch.setattr(kernelspecs, "FIRST", 60.0)
    monkeypatch.setattr(kernelspecs, "spoken_here", lambda: "en")
    here = tmp_path / "here"
    here.mkdir()
    (here / "kernel.json").write_text('{"argv": ["python"], "display_name": "Here", "language": "python"}')
    return CentreKernelSpecs(kernel_dirs=[str(tmp_path)], ensure_native_kernel=False)


async def look(specs: CentreKernelSpecs) -> dict[str, str]:
    """Name → what the launcher shows of it. Now; what the broker is asked by it is known when this returns."""
    told = await specs.get_all_specs()
    if specs._asking is not None:
        await specs._asking
    return {name: one["spec"]["display_name"] for name, one in told.items()}


async def test_those_here_and_one_for_each_way_to_ask(broker: SmallBroker, specs: CentreKernelSpecs) -> None:
    told = await look(specs)
    assert (told["here"], told[ANYWHERE], told[EAST]) == ("Here", "Python · anywhere", "Python · East")
    assert set(told.values()) - {"Here"} == OFFERED
    spec = specs.get_kernel_spec(EAST)
    assert spec.metadata["kernel_provisioner"] == {
        "provisioner_name": "sampan-provisioner",
        "config": {"options": {"cores": "2", "memory": "4", "hours": "4", "centre": "east"}},
    }
    assert Path(spec.resource_dir, "logo-svg.svg").is_file()
    assert specs.find_kernel_specs().keys() == told.keys()


async def test_they_come_and_go_with_the_centres(broker: SmallBroker, specs: CentreKernelSpecs) -> None:
    assert EAST in await look(specs)
    east, west = CENTRES
    broker.answer_with = 200, [{**east, "id": "west", "names": west["names"]}]
    await look(specs)
    told = await look(specs)
    assert told[WEST] == "Python · West"
    assert EAST not in told
    # A notebook that names one of a centre that is gone opens all the same; its start says what is the matter.
    assert specs.get_kernel_spec(EAST).display_name == "Python · east"
    broker.answer_with = 200, []
    await look(specs)
    assert (await look(specs)).keys() == {"here"}


async def test_in_the_persons_language(
    broker: SmallBroker, specs: CentreKernelSpecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernelspecs, "spoken_here", lambda: "zh")
    told = await look(specs)
    assert (told[ANYWHERE], told[EAST]) == ("Python · 任意中心", "Python · 东部中心")


async def test_while_the_broker_is_away_what_it_said_last_stands(
    broker: SmallBroker, specs: CentreKernelSpecs
) -> None:
    broker.answer_with = 503, "the proxy says that nobody is there"
    assert (await look(specs)).keys() == {"here"}, "those here are never waited for in vain"
    broker.answer_with = None
    before = await look(specs)
    assert EAST in before
    broker.answer_with = 503, "the proxy says that nobody is there"
    await look(specs)
    assert await look(specs) == before


async def test_a_broker_that_does_not_answer_keeps_nobody_from_the_kernels_here(
    broker: SmallBroker, specs: CentreKernelSpecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernelspecs, "FIRST", 0.0)
    assert (await specs.get_all_specs()).keys() == {"here"}
    assert EAST in await look(specs) or EAST in await look(specs)


async def test_it_is_asked_no_more_often_than_its_answer_stands(
    broker: SmallBroker, specs: CentreKernelSpecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernelspecs, "FRESH", 600.0)
    for _ in range(5):
        assert EAST in await look(specs)
    assert len(broker.asked) == 1


async def test_what_is_nobodys_is_nobodys(broker: SmallBroker, specs: CentreKernelSpecs) -> None:
    for name in ("nosuch", "sampan--shell-rm", "sampan--"):
        with pytest.raises(NoSuchKernel):
            specs.get_kernel_spec(name)
