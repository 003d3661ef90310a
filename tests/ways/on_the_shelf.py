"""What the catalogue of a whole hub holds where it is looked at in a browser: real data at one centre alone, and harm."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import httpx

from sampan_hub.user_lock import user_lock
from tests.ways.person import Person
from tests.ways.whole_hub import ROOT, WholeHub, came

__all__ = ["GENERATED", "SETTINGS", "at_east", "at_west_alone", "hostile", "numpy_version", "publish"]

GENERATED: Final = 25
"""With the real ones more than one answer holds."""
PROVIDERS: Final = (
    "demo-iris",
    "demo-environment",
    "ocean",
    *(f"generated-{n:03}" for n in range(GENERATED)),
)
SETTINGS: Final = f"""
c.JupyterHub.load_groups = {{
    f"sampan:provider:{{name}}": {{"users": ["ann"]}} for name in {PROVIDERS!r}
}}
"""
FILE: Final = "NEMO/nemo_1m_20150101-20150201_grid-T.nc"
HARM: Final = "<img src=x onerror='window.harmed=1'><script>window.harmed=1</script>"


def document(name: str, **more: Any) -> dict[str, Any]:
    return {
        "schema": "sampan/product/1",
        "provider": "ocean",
        "name": name,
        "version": "1.0",
        "kind": "dataset",
        "title": {"zh": "世界大洋海表温度", "en": "Surface temperature of the World Ocean"},
        "summary": {"zh": "逐月。", "en": "Month by month."},
        "licence": "CC-BY-4.0",
        **more,
    }


def at_west_alone(hub: WholeHub) -> list[dict[str, Any]]:
    """Real data in a folder of that centre, software of its environment, and the products that tell of them."""
    path = "/scratch/ocean" if hub.kind == "federation" else str(hub.state.parent / "ocean")
    folder = hub.places.seen("west", path)
    folder.mkdir(mode=0o755, exist_ok=True)
    if hub.kind == "embedded":
        folder.parent.chmod(0o755)  # beside the state, which the jobs' account must not enter
    source = Path(str(files("iris_sample_data"))) / "sample_data" / FILE
    shutil.copyfile(source, folder / "sst.nc")
    (folder / "sst.nc").chmod(0o644)
    hub.describe("west", roots={"ocean": path})
    lies = {"centre": "west", "href": "{ocean}/sst.nc", "format": "netCDF", "opener": "netcdf4"}
    size = source.stat().st_size
    build = {"centre": "west", "method": "venv", "name": "numpy", "version": numpy_version()}
    tool = {"zh": "西岭数组工具", "en": "West's array tools"}
    return [
        document("ocean-sst", replicas=[{**lies, "bytes": size}], variables=["tos"]),
        document("tools", kind="software", title=tool, builds=[build], subject="software"),
    ]


def at_east(hub: WholeHub) -> dict[str, Any]:
    """A notebook beside the session, in a folder of that centre."""
    folder = hub.state.parent / "ocean"
    shutil.copyfile(ROOT / "notebooks" / "warming.ipynb", folder / "warming.ipynb")
    (folder / "warming.ipynb").chmod(0o644)
    hub.describe("east", roots={"ocean": str(folder)})
    lies = {"centre": "east", "href": "{ocean}/warming.ipynb", "format": "ipynb", "opener": "notebook"}
    title = {"zh": "升温的笔记本", "en": "Warming, step by step"}
    return document("warming", kind="notebook", title=title, replicas=[lies])


def hostile() -> dict[str, Any]:
    words = {"zh": f"恶意 {HARM}", "en": f"Hostile {HARM}"}
    told = {"title": words, "summary": words, "description": {"zh": "**甲**", "en": "**x**"}}
    return document("hostile", **told, citation=f"A & B {HARM}", keywords=[words])


async def publish(hub: WholeHub, some: Iterable[dict[str, Any]]) -> None:
    async with Person(hub, "ann") as ann:
        token = (await ann.api("POST", "/users/ann/tokens", json={"note": "publishes"})).json()["token"]
    base = f"{hub.url}/services/sampan/api/catalogue/entries"
    async with httpx.AsyncClient(headers={"Authorization": f"token {token}"}, timeout=60) as client:
        for one in some:
            (await client.post(base, json=one)).raise_for_status()
            ref = f"{base}/{one['provider']}/{one['name']}/{one['version']}"
            (await client.put(f"{ref}/status", json={"status": "published"})).raise_for_status()

        async def known() -> bool:
            told = (await client.get(f"{base}/ocean/ocean-sst/1.0")).json()
            return bool(told["roots"].get("west"))

        await came(known)


def numpy_version() -> str:
    return next(pin.version for pin in user_lock().pins() if pin.name == "numpy")
