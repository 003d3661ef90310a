"""The job script is the golden copy, and nothing hostile gets into it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampan.errors import Invalid
from sampan_hub.script import Script, render_script

pytestmark = pytest.mark.fast

GOLDEN = Path(__file__).parent / "golden"
PLAIN = Script(
    tag="sampan-demo-abcd1234-1",
    launch="abcd1234",
    kind="server",
    centre="alpha",
    title_en="Alpha Centre",
    title_zh="阿尔法超算中心",
    share="light",
    scheduler="process",
    cores=2,
    memory_mib=4096,
    minutes=120,
    home="/srv/alpha/home/alice",
    attempt_dir="/srv/alpha/home/alice/.sampan/attempts/sampan-demo-abcd1234-1",
    nonce="00112233445566778899aabbccddeeff",
    client_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILLfWe3dpxM2JiFXp8E4pFrXGj7Mm4GbLi+DtIGP0L5X",
    bind="127.0.0.1",
    python="/opt/sampan/venv/bin/python",
)
SLURM = replace(
    PLAIN,
    centre="east",
    scheduler="slurm",
    bind="0.0.0.0",
    modules=("gcc/12.2.0", "python/3.11+mkl"),
    setup_file="/opt/east/sampan-setup.sh",
)
QUOTED = replace(
    PLAIN,
    title_en="O'Neill's `id` $(id) \"${HOME}\" \\ ; | & > /tmp/x # %s {{x}} !",
    title_zh="“引号”与$(id)",
)
SETTLED = replace(PLAIN, python="/public/sampan/33a9b12393a3/bin/python", settled=True)
PAPERS = replace(PLAIN, papers=f"eyJ0YWciOiAieCJ9.{'0' * 64}")


@pytest.mark.parametrize(
    ("name", "script"),
    [("plain", PLAIN), ("slurm", SLURM), ("quoted", QUOTED), ("settled", SETTLED), ("papers", PAPERS)],
)
def test_equals_its_golden_copy(name: str, script: Script) -> None:
    assert render_script(script) == (GOLDEN / f"{name}.sh").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [PLAIN, SLURM, QUOTED, SETTLED])
def test_bash_reads_the_values_that_were_meant(script: Script, tmp_path: Path) -> None:
    """Run with a launcher that prints its environment: what arrives is what was put in, whatever it looks like."""
    home = tmp_path / "home"
    home.mkdir()
    setup = tmp_path / "setup.sh"
    setup.write_text("export FROM_SETUP=1\n")
    fake = tmp_path / "python"
    fake.write_text("#!/bin/bash\nexec env -0\n")
    fake.chmod(0o700)
    local = replace(script, home=str(home), python=str(fake), setup_file=str(setup), modules=())
    done = subprocess.run(
        [shutil.which("bash") or "/bin/bash"],
        input=render_script(local).encode(),
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
        check=True,
        timeout=20,
    )
    told = dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if item)
    assert told["SAMPAN_CENTRE_EN"] == script.title_en
    assert told["SAMPAN_CENTRE_ZH"] == script.title_zh
    assert told["SAMPAN_CLIENT_KEY"] == script.client_key
    assert (told["PWD"], told["HOME"], told["FROM_SETUP"]) == (str(home), str(home), "1")


def test_what_somebody_exported_where_they_submit_stays_there(tmp_path: Path) -> None:
    """A login shell's habits must not decide which Python code a job runs, nor how it reads names of files."""
    fake = tmp_path / "python"
    fake.write_text("#!/bin/bash\nexec env -0\n")
    fake.chmod(0o700)
    local = replace(SLURM, home=str(tmp_path), python=str(fake), setup_file=None, modules=())
    kept = {
        "SLURM_JOB_ID": "7",
        "CUDA_VISIBLE_DEVICES": "1",
        "http_proxy": "http://10.0.0.1:3128",
        "TMPDIR": "/tmp",
    }
    theirs = {
        "PYTHONPATH": "/evil",
        "LD_PRELOAD": "",
        "LC_ALL": "C",
        "SSH_CONNECTION": "1 2 3 4",
        "with space": "x",
    }
    theirs |= {
        "BASH_FUNC_cd%%": "() { echo mine; }",
        "BASH_FUNC_module%%": "() { echo old; }",
        "BASH_ENV": "/dev/null",
    }
    done = subprocess.run(
        [shutil.which("bash") or "/bin/bash"],
        input=render_script(local).encode(),
        capture_output=True,
        env={"PATH": os.environ["PATH"], **kept, **theirs},
        check=True,
        timeout=20,
    )
    told = dict(item.split("=", 1) for item in done.stdout.decode().split("\0") if item)
    assert done.stderr == b""
    assert {name: told.get(name) for name in kept} == kept
    assert told["LANG"] == "C.UTF-8"
    assert [name for name in told if name in theirs and name != "with space"] == []


HOSTILE: list[Any] = [
    "",
    "a\nexport X=1",
    "a\r",
    "a\0b",
    "a\u2028b",
    "a\u2029b",
    "a\u202eb",
    "a\x1b[2J",
    "x" * 1_000_000,
    7,
]
SHELL = [
    "$(id)",
    "`id`",
    "a;id",
    "a b",
    "a'b",
    'a"b',
    "{{x}}",
    "%s",
    "#SBATCH",
    "../x",
    "/a/../b",
    "~",
    "-o",
    "中文",
]
PLACES = [
    *(
        "tag",
        "launch",
        "centre",
        "share",
        "scheduler",
        "home",
        "attempt_dir",
        "nonce",
        "client_key",
        "bind",
        "python",
    ),
    "setup_file",
]


@pytest.mark.parametrize("field", PLACES)
def test_refuses_whatever_is_not_plain(field: str) -> None:
    for value in [*HOSTILE, *SHELL]:
        with pytest.raises(Invalid) as caught:
            replace(PLAIN, **{field: value})
        assert caught.value.message.params["field"] == field
        assert len(json.dumps(caught.value.message.to_json())) < 1000


@pytest.mark.parametrize("field", ["title_en", "title_zh"])
def test_refuses_names_for_people_that_break_a_line_or_hide(field: str) -> None:
    for value in HOSTILE:
        with pytest.raises(Invalid):
            replace(PLAIN, **{field: value})


@pytest.mark.parametrize("value", [*HOSTILE, *(text for text in SHELL if text != "中文"), "中文"])
def test_refuses_modules(value: Any) -> None:
    with pytest.raises(Invalid):
        replace(PLAIN, modules=("gcc/12", value))


@pytest.mark.parametrize("value", [*HOSTILE[1:], *SHELL, f"x.{'0' * 63}", f"x\n.{'0' * 64}"])
def test_refuses_papers_that_are_none(value: Any) -> None:
    with pytest.raises(Invalid):
        replace(PLAIN, papers=value)


@pytest.mark.parametrize("field", ["cores", "memory_mib", "minutes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1", "1; id", 10**15, float("nan")])
def test_refuses_numbers(field: str, value: Any) -> None:
    with pytest.raises(Invalid):
        replace(PLAIN, **{field: value})


def test_holds_no_secret() -> None:
    """What the job needs to know besides comes over the link; a job's script can be read by others."""
    text = render_script(PLAIN).lower()
    assert not [word for word in ("token", "secret=", "password", "private") if word in text]


def test_a_job_stays_in_the_environment_that_it_began_with(tmp_path: Path) -> None:
    """The link is turned under it: what it starts later, by the path it was told, is of the old one."""
    for name in ("old", "new"):
        (tmp_path / "builds" / name / "bin").mkdir(parents=True)
        fake = tmp_path / "builds" / name / "bin" / "python"
        fake.write_text(f'#!/bin/bash\necho {name} "$SAMPAN_PYTHON" "$0"\n')
        fake.chmod(0o700)
    link = tmp_path / "lock"
    link.symlink_to("builds/old")
    text = render_script(
        replace(PLAIN, home=str(tmp_path), python=str(link / "bin" / "python"), settled=True)
    )
    turned = text.replace("export SAMPAN_PYTHON\n", f"export SAMPAN_PYTHON\nln -sfnT builds/new {link}\n")
    done = subprocess.run(["bash"], input=turned, capture_output=True, text=True, check=True, timeout=20)
    own = f"{tmp_path}/builds/old/bin/python"
    assert done.stdout == f"old {own} {own}\n"
    missing = subprocess.run(
        ["bash"],
        input=text.replace(str(link), f"{tmp_path}/none"),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert missing.returncode == 68
