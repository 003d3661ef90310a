"""The Lab extension's own tests, of what a page knows and says; and that all it says is in the catalogue."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sampan_lab.labextension import BUILT, install

pytestmark = pytest.mark.fast

LAB = Path(__file__).resolve().parents[2] / "extensions" / "lab"
CATALOGUE = LAB.parent / "sampan_lab" / "locale" / "zh_CN" / "LC_MESSAGES" / "sampan.json"


def test_what_a_page_knows_and_says() -> None:
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["node", "--test", "tests/*.test.ts"],
        cwd=LAB,
        env=here,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"pass (\d+)", done.stdout)[0]) > 10


def test_every_sentence_of_the_page_is_in_the_chinese_catalogue() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (LAB / "src").rglob("*.ts*"))
    said = {text.replace("\\'", "'") for text in re.findall(r"trans\.__\(\s*'((?:[^'\\]|\\.)*)'", sources)}
    assert said
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    assert said == set(catalogue) - {""}
    for text in said:
        [chinese] = catalogue[text]
        assert sorted(re.findall(r"%\d", chinese)) == sorted(re.findall(r"%\d", text))


def test_the_lab_finds_what_was_built(tmp_path: Path) -> None:
    install(tmp_path)
    install(tmp_path)  # idempotent
    built = json.loads((tmp_path / "labextensions/@sampan/lab/package.json").read_text(encoding="utf-8"))
    assert (BUILT / "@sampan/lab" / built["jupyterlab"]["_build"]["load"]).is_file()
    wanted = json.loads((tmp_path / "jupyter_server_config.d/sampan.json").read_text(encoding="utf-8"))
    assert wanted["ServerApp"]["jpserver_extensions"] == {"sampan_lab.extension": True, "jupyter_lsp": False}


def test_language_servers_are_served_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pylsp.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path / "jupyter")
    wanted = json.loads(
        (tmp_path / "jupyter/jupyter_server_config.d/sampan.json").read_text(encoding="utf-8")
    )
    assert wanted["ServerApp"]["jpserver_extensions"]["jupyter_lsp"] is True


def test_the_lock_names_no_registry() -> None:
    lock = (LAB / "yarn.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert lock.count("checksum:") > 100
