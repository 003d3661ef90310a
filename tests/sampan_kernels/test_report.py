"""The report appears whole, for its owner alone, and through nobody's link."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sampan_kernels.report import write_report

pytestmark = pytest.mark.fast


def write(directory: Path, port: int = 40000) -> None:
    write_report(directory, nonce="n", port=port, node="n1", pid=7, host_key="ssh-ed25519 A")


def test_holds_exactly_the_fields_of_the_protocol(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "report.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {
        "protocol": 1,
        "nonce": "n",
        "port": 40000,
        "node": "n1",
        "pid": 7,
        "host_key": "ssh-ed25519 A",
    }


def test_replaces_what_lies_there_without_writing_into_it(tmp_path: Path) -> None:
    """A job that was requeued runs twice; a link laid there by somebody else is not followed."""
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    (tmp_path / "report.json").symlink_to(elsewhere)
    write(tmp_path, 40001)
    assert elsewhere.read_text() == "precious"
    assert json.loads((tmp_path / "report.json").read_text())["port"] == 40001


def test_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
