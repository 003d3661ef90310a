"""The notebook about two futures, run from top to bottom in a session of a centre with real jobs."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

from tests.sampan.process_centre import ROOT, ProcessCentre

NOTEBOOK = ROOT / "notebooks" / "warming.ipynb"


@contextmanager
def told_by_the_broker(facts: dict[str, Any]) -> Iterator[str]:
    """The broker's one answer that the notebook needs; the whole way is walked in tests/ways."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.path.partition("?")[0] == f"/services/sampan/api/centres/{facts['id']}/facts"
            self.send_response(200 if wanted else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(facts).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/services/sampan"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each cell's outputs by the cell's id."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with ProcessCentre(tmp_path_factory.mktemp("centre")) as centre, told_by_the_broker(centre.facts) as url:
        # Over unix sockets, as the launcher has it: nothing of a kernel listens on the node.
        way = Config({"KernelManager": {"transport": "ipc", "ip": str(centre.root / "kernel")}})
        client = NotebookClient(notebook, timeout=60, kernel_name="python3", config=way)
        client.execute(env={**centre.environment, "SAMPAN_BROKER_URL": url}, cwd=str(centre.root))
        assert centre.running("sampan-") == set()
        assert list(centre.attempt.glob("dask-*")) == []
    cells = {cell.id: cell.get("outputs", []) for cell in notebook.cells}
    return {**cells, "widgets": notebook.metadata.get("widgets", {})}


def test_it_says_where_it_runs(ran: dict[str, Any]) -> None:
    assert "East (east)" in ran["here"][0].data["text/html"]


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
