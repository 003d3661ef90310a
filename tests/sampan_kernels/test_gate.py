"""The gate's table: it passes everything that the broker says, and nothing else. Table and broker cannot drift apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from sampan_hub.command_line import command_line
from sampan_hub.schedulers.slurm import SlurmScheduler
from sampan_kernels import gate
from tests.sampan_hub.descriptions import far
from tests.sampan_hub.test_certificates import described
from tests.sampan_kernels.every_ask import BUILD, CARDS, HOME, PREFIX, TAG, everything, rows

pytestmark = pytest.mark.fast


async def test_everything_that_the_broker_says_is_let_through() -> None:
    said = await everything()
    assert len(said) > 40
    for who, ask in said:
        row = gate.allowed(rows(), who, ask.argv)
        assert row.stdin is gate.ANYTHING or re.fullmatch(row.stdin, ask.stdin.decode()), (ask, row)
        # And it is what the transport sends.
        assert command_line(ask.argv)


async def test_every_row_is_said_by_somebody() -> None:
    """What nobody says any more is not left open."""
    table = rows()
    used = {gate.allowed(table, who, ask.argv) for who, ask in await everything()}
    assert [row.verb for row in table if row not in used] == []


async def test_a_person_says_nothing_that_is_for_all_and_the_other_way_round() -> None:
    only = {"person": "service", "service": "person"}
    both = {row.words for row in rows() if len(row.who) == 2}
    for who, ask in await everything():
        if gate.allowed(rows(), who, ask.argv).words not in both:
            with pytest.raises(gate.NotAllowedError):
                gate.allowed(rows(), only[who], ask.argv)


SUBMIT = command_line(SlurmScheduler.of(described(far())).submit(CARDS).argv)
ATTACKS = [
    *(
        "",
        "sh",
        "bash -i",
        "sh -c id",
        "id",
        "env",
        "python3 -c 1",
        "scp -t /tmp",
        "internal-sftp",
        "/usr/lib/sftp-server",
    ),
    # a row and more
    *(
        f"{SUBMIT} --wrap=id",
        f"{SUBMIT} --uid=0",
        f"{SUBMIT} ; id",
        f"{SUBMIT} && id",
        f"{SUBMIT} | sh",
        f"{SUBMIT}\nid",
    ),
    *(
        f"{SUBMIT} -A other",
        f"{SUBMIT} --account=other",
        f"{SUBMIT} --reservation=x",
        f"{SUBMIT} $(id)",
        f"{SUBMIT} `id`",
    ),
    *(
        f"{SUBMIT} /etc/passwd",
        f"{SUBMIT} --get-user-env",
        f"{SUBMIT} --array=1-1000",
        f"{SUBMIT} --begin=now+1",
    ),
    SUBMIT.replace("--account=climate", "--account=other"),
    SUBMIT.replace("--partition=dcu", "--partition=secret"),
    SUBMIT.replace("--partition=dcu", "--partition=dcu,secret"),
    SUBMIT.replace("--nodes=1", "--nodes=1-100"),
    SUBMIT.replace(HOME, "/public/home/hpc0043"),
    SUBMIT.replace("/attempts/", "/../../hpc0043/"),
    SUBMIT.replace("job.log", "%u.log"),
    SUBMIT.replace("--export=ALL", "--export=LD_PRELOAD=/tmp/x"),
    SUBMIT.replace("--chdir=/", "--chdir=/etc"),
    SUBMIT.replace("sbatch", "/tmp/sbatch"),
    SUBMIT.replace("sbatch", "srun"),
    SUBMIT.replace(TAG, "somebody-elses"),
    *(
        "salloc",
        "srun --pty bash",
        "sattach 1.0",
        "scontrol show job 1",
        "scontrol update job=1",
        "sacctmgr",
        "sdiag",
    ),
    *("sacctmgr --parsable2", "sacctmgr --parsable2 --readonly --immediate", "sacctmgr -i add user x"),
    *(
        "squeue --yaml",
        "squeue --all --states=all --partition=dcu",
        "squeue --all --states=all --partition=secret --format=%A",
    ),
    *(
        "squeue --all --states=all --partition=dcu --format=%A -M other",
        "squeue --all --states=all --name=x --format=%A",
    ),
    *(
        "scancel 12",
        "scancel 12_3 13",
        f"scancel --name={TAG} 12_3",
        f"scancel --name={TAG}",
        f"scancel --name={TAG} 12 13",
        f"scancel --user=bob --name={TAG} 12",
    ),
    f"scancel --name={TAG} --signal=KILL 12",
    *(f"scancel --name={TAG}-dask-{worker} 12" for worker in ("", "a/b", "A", "a,sampan-x-y-1", "a" * 65)),
    f"scancel --name={TAG}-other-1 12",
    "sacct --allusers --parsable2 --starttime=now-3days --jobs=1 --format=JobID --file=/etc/passwd",
    "sinfo --Node --partition=dcu --Format=NodeList -c /tmp/slurm.conf",
    # files
    *(
        f"head -c 5 -- {path}"
        for path in ("/etc/passwd", HOME, f"{HOME}/.ssh/id_ed25519", f"{HOME}/.sampan2/x", "-")
    ),
    *(
        f"head -c 5 -- {HOME}/.sampan/{path}"
        for path in ("../.ssh/id", "a/../../x", "a/..", "./x", "a//b", "a b", "*")
    ),
    *(
        f"head -c 5 -- {HOME}/.sampan/a {HOME}/.sampan/b",
        f"head -c 5 {HOME}/.sampan/a",
        f"head -n 5 -- {HOME}/.sampan/a",
    ),
    *(
        f"head -c -5 -- {HOME}/.sampan/a",
        f"tail -f -c 5 -- {HOME}/.sampan/a",
        f"tail -c +5 -- {HOME}/.sampan/a",
    ),
    *(
        f"mkdir -p -m 700 -- {HOME}/other",
        f"mkdir -p -m 777 -- {HOME}/.sampan/x",
        f"mkdir -p -- {HOME}/.sampan/x",
    ),
    "head -c 5 -- /public/home/hpc0043/.sampan/attempts/x/report.json",
    # the process scheduler
    "/srv/a/venv/bin/python -I -m sampan_kernels.processes --spool /tmp/x find",
    "/srv/a/venv/bin/python -m sampan_kernels.processes --spool /srv/a/spool find",
    "/srv/a/venv/bin/python -I -m http.server",
    "/srv/a/venv/bin/python -I -c 1",
    "/srv/a/../tmp/bin/python -I -m sampan_kernels.processes --spool /srv/a/spool find",
    "/srv/a/x/y/bin/python -I -m sampan_kernels.processes --spool /srv/a/spool find",
    "/srv/a/venv/bin/python -I -m sampan_kernels.processes --spool /srv/a/spool cancel 5",
    # environments
    *(
        f"rm -rf -- {path}"
        for path in (PREFIX, "/", f"{PREFIX}/builds", f"{BUILD}/..", f"{BUILD} /home", f"{PREFIX}/builds/x")
    ),
    *(f"mv -T -- {PREFIX}/wheels/a.whl.part {PREFIX}/wheels/b.whl", "mv -T -- /etc/x.part /etc/x"),
    f"dd of={PREFIX}/../x.part bs=64K seek=0 oflag=seek_bytes status=none",
    "dd of=/etc/passwd.part bs=64K seek=0 oflag=seek_bytes status=none",
    f"dd if=/etc/shadow of={PREFIX}/wheels/a.part bs=64K seek=0 oflag=seek_bytes status=none",
    # of a build itself nothing is written but its record
    *(
        f"dd of={BUILD}/{path}.part bs=64K seek=0 oflag=seek_bytes status=none"
        for path in ("pyvenv.cfg", "bin/python", "sampan-environmentXjson", "sampan-environment.json/x")
    ),
    f"mv -T -- {BUILD}/pyvenv.cfg.part {BUILD}/pyvenv.cfg",
    f"ln -s -T -- /etc {PREFIX}/0123456789ab.part",
    f"ln -s -T -- builds/../../x {PREFIX}/0123456789ab.part",
    f"chmod -R a+rwx -- {BUILD}",
    f"{BUILD}/bin/python -I -m pip install evil",
    "/usr/bin/python3.11 -I -m venv -- /tmp/x",
    # who is who
    *("/usr/local/sbin/account-of", "/usr/local/sbin/account-of --exact root", "sleep 5", "sleep infinity 1"),
]


@pytest.mark.parametrize("said", ATTACKS)
def test_everything_else_is_refused(said: str) -> None:
    """To a person and to the service account alike."""
    for who in ("person", "service"):
        with pytest.raises(gate.NotAllowedError):
            gate.allowed(rows(), who, shlex.split(said))


def test_an_argument_with_the_mark_between_arguments_in_it() -> None:
    """A regular expression over all of them is not led astray by one that holds a line end, or nothing."""
    for argv in (
        ["head", "-c", "5", "--", f"{HOME}/.sampan/a\n"],
        ["head", "-c", "5\n", "--", f"{HOME}/.sampan/a"],
        ["head", "-c", "5", "--", f"{HOME}/.sampan/a", ""],
        ["sleep", "infinity\n"],
    ):
        for who in ("person", "service"):
            with pytest.raises(gate.NotAllowedError):
                gate.allowed(rows(), who, argv)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "add user x\n",
        "show associations where user=hpc0043 format=User\n",
        "show qos format=Name\ndump cluster file=/tmp/x\n",
        "show qos format=Name",
    ],
)
def test_what_sacctmgr_is_asked_is_looked_at(given: str) -> None:
    row = gate.allowed(rows(), "person", ("sacctmgr", "--parsable2", "--readonly"))
    assert not re.fullmatch(row.stdin, given)


ACCOUNTS = ["alice", "root", "daemon", "sampan", "a-person-of-old"]


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    for account in ACCOUNTS:
        (tmp_path / account).write_text(
            f'# of the hub\nrestrict,command="x y" sampan:{account}\noperator:{account}\n'
        )
    return {"service_account": "sampan", "principals": str(tmp_path)}


def test_who_may_ask(config: dict[str, Any]) -> None:
    assert gate.who_asks(config, "alice", 1000) == "person"
    assert gate.who_asks(config, "sampan", 998) == "service"
    for account, uid in (("root", 0), ("sampan", 0), ("daemon", 1), ("alice", 999)):
        with pytest.raises(gate.NotAllowedError, match="system"):
            gate.who_asks(config, account, uid)
    # Some centres count from 500.
    assert gate.who_asks({**config, "first_uid": 500}, "a-person-of-old", 500) == "person"
    with pytest.raises(gate.NotAllowedError):
        gate.who_asks({**config, "first_uid": 500}, "daemon", 499)


@pytest.mark.parametrize("left", [None, "", "# sampan:alice\n", "operator:alice\n", "sampan:bob\n"])
def test_whose_principals_are_taken_away_asks_no_more(config: dict[str, Any], left: str | None) -> None:
    file = Path(config["principals"]) / "alice"
    assert gate.who_asks(config, "alice", 1000) == "person"
    file.unlink() if left is None else file.write_text(left)
    with pytest.raises(gate.NotAllowedError):
        gate.who_asks(config, "alice", 1000)


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["head", "-c", "5"], "head -c 5"),
        (["a b", "", "李雷"], "'a b' '' '李雷'"),
        (["sh\nsampan-gate[1]: read root"], r"'sh\nsampan-gate[1]: read root'"),
        (["\x1b[2J\r\x00\u202e\udc80"], r"'\x1b[2J\r\x00\u202e\udc80'"),
        (["\\n", "\n"], r"'\\n' '\n'"),
    ],
)
def test_what_is_logged_is_one_line_and_tells_words_apart(argv: list[str], line: str) -> None:
    assert gate.written(argv) == line


def test_of_a_long_command_the_log_has_beginning_length_and_end() -> None:
    line = gate.written(["begins", *["x"] * 5000, "ends"])
    assert line.startswith("begins x x")
    assert line.endswith("x ends")
    assert "…10011 characters…" in line
    assert len(line) < 1000


def test_only_roots_configuration_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gate.json"
    file.write_text('{"service_account": "sampan"}')
    file.chmod(0o644)
    assert gate.OWNER == 0
    monkeypatch.setattr(gate, "OWNER", file.stat().st_uid)
    assert gate.read_config(str(file)) == {"service_account": "sampan"}
    monkeypatch.setattr(gate, "OWNER", file.stat().st_uid + 1)
    with pytest.raises(gate.NotAllowedError):
        gate.read_config(str(file))


def test_what_a_centre_does_not_have_is_not_open() -> None:
    table = gate.table({"service_account": "sampan"}, "hpc0042", re.escape(HOME))
    assert {row.verb for row in table} == {"mkdir", "read", "tail", "idle"}
