"""The notebook about two futures, run from top to bottom in a session of a centre with real jobs."""

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.sampan.process_centre import ROOT, process_centre
from tests.waiting import wait_until

NOTEBOOK = ROOT / "notebooks" / "warming.ipynb"


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """Each cell's outputs by the cell's id."""
    with process_centre() as centre:
        argv = [sys.executable, "-m", "tests.sampan.a_notebook", str(NOTEBOOK), centre.environment["HOME"]]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=90, **centre.become())
        notebook = nbformat.reads(done.stdout, as_version=4)
        wait_until(lambda: [job for job in centre.broker.live_jobs("east") if "-dask-" in job["tag"]] == [])
        assert list(centre.attempt.glob("dask-*")) == []
    cells = {cell.id: cell.get("outputs", []) for cell in notebook.cells}
    return {**cells, "widgets": notebook.metadata.get("widgets", {})}


def test_it_says_where_it_runs(ran: dict[str, Any]) -> None:
    assert "(east)" in ran["here"][0].data["text/html"]


def test_two_workers_in_two_jobs(ran: dict[str, Any]) -> None:
    told = ran["workers"][0].data["text/plain"]
    jobs = re.findall(r"'job': '(\d+)'", told)
    pids = re.findall(r"'process': (\d+)", told)
    assert len(set(jobs)) == len(set(pids)) == 2


def test_the_warming_is_what_the_data_say(ran: dict[str, Any]) -> None:
    assert ran["warming"][0].text.splitlines() == ["A1B 4.52 K", "E1 2.44 K"]


@pytest.mark.parametrize("cell", ["map", "curve"])
def test_pictures_are_drawn(ran: dict[str, Any], cell: str) -> None:
    assert base64.b64decode(ran[cell][0].data["image/png"]).startswith(b"\x89PNG")


def test_the_slider_draws_its_year(ran: dict[str, Any]) -> None:
    states = ran["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    (slider,) = [state["state"] for state in states if state["model_name"] == "IntSliderModel"]
    assert (slider["min"], slider["max"], slider["value"]) == (1860, 2099, 2099)
    (shown,) = [state["state"]["outputs"] for state in states if state["model_name"] == "OutputModel"]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert "2099: A1B +5.06 K, E1 +2.31 K\n" in [output.get("text") for output in shown]


def test_every_cell_is_quiet(ran: dict[str, Any]) -> None:
    """No warning reaches the reader."""
    errors = [
        output
        for outputs in ran.values()
        for output in outputs
        if isinstance(output, dict) and (output.get("name") == "stderr" or output["output_type"] == "error")
    ]
    assert errors == []


@pytest.mark.fast
def test_it_is_committed_without_outputs_and_without_its_numbers() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in codes)
    text = Path(NOTEBOOK).read_text(encoding="utf-8")
    assert [number for number in ("4.52", "2.44", "5.06", "2.31") if number in text] == []
    assert re.findall(r"/(?:home|root|work|opt|tmp)/", text) == []
