from __future__ import annotations

import asyncio
import os
import pwd
import sys
from pathlib import Path

import pytest

from sampan.errors import Forbidden, Invalid, Unavailable
from sampan_hub.accounts import slug
from sampan_hub.centre import Centre, make_centre
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import parse_descriptor
from tests.sampan_hub.descriptions import here

NAMES = [
    *(
        "a",
        "A",
        "\N{CYRILLIC SMALL LETTER A}",
        "\N{FULLWIDTH LATIN SMALL LETTER A}",
        "a\N{ZERO WIDTH SPACE}",
        "a ",
    ),
    *(
        "a;id",
        "../x",
        "..",
        ".",
        "",
        "/",
        "a/b",
        "a-b",
        "a--b",
        "-a",
        "$(id)",
        "a\n",
        "a\0",
        "%2e%2e",
        "~",
        "李雷",
    ),
    *("x" * 31, "x" * 32, "x" * 255, "user", "a.b", "a_b", "a b", "\ud800", slug("A"), slug("a;id")),
]


def test_different_people_different_folders() -> None:
    slugs = [slug(name) for name in NAMES]
    assert len(set(slugs)) == len(set(NAMES))
    assert len({name.casefold() for name in slugs}) == len(slugs), "also where a file system ignores case"


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_name_is_only_a_name(name: str) -> None:
    assert slug(name).isascii()
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug(name)[0].isalnum()
    assert len(slug(name)) <= 48


def test_a_plain_name_stays_as_it_is() -> None:
    assert slug("alice-2") == "alice-2"
    assert slug("Alice").startswith("alice--")


def centre(tmp_path: Path, accounts: str) -> Centre:
    text = here("a", str(tmp_path)).replace("{method: shared}", accounts)
    result = parse_descriptor(text, "a.yaml")
    assert isinstance(result, Descriptor), result
    return make_centre(result)


async def test_shared_is_one_account_for_all(tmp_path: Path) -> None:
    demo = centre(tmp_path, "{method: shared, account: demo}")
    assert await demo.account("a") == await demo.account("b") == "demo"


async def test_shared_is_whoever_runs_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kari = pwd.struct_passwd(("kari", "x", 4321, 4321, "", "/home/kari", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", {os.getuid(): kari}.__getitem__)
    assert await centre(tmp_path, "{method: shared}").account("a") == "kari"


@pytest.mark.parametrize("own", ["root", "daemon"])
async def test_nobodys_jobs_run_as_root_or_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    """A broker that root started, and a file that names no account: said when the file is read, and again when asked."""
    made = centre(tmp_path, "{method: shared, account: demo}")
    monkeypatch.setattr(os, "getuid", lambda: pwd.getpwnam(own).pw_uid)
    with pytest.raises(Invalid) as caught:
        centre(tmp_path, "{method: shared}")
    assert caught.value.message.params["key"] == "accounts.account"
    assert f"as the broker does, {own}" in caught.value.message.say("en")
    facts = made.descriptor.accounts.model_copy(update={"account": None})
    made.descriptor = made.descriptor.model_copy(update={"accounts": facts})
    with pytest.raises(Forbidden) as refused:
        await made.account("alice")
    assert (refused.value.code, refused.value.message.params["account"]) == ("centre.shared_account", own)


def test_another_name_of_root_is_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second name with its number, as some machines have one for a second administrator."""
    twin = pwd.struct_passwd(("captain", "x", 0, 0, "", "/root", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", {"captain": twin}.__getitem__)
    with pytest.raises(Invalid):
        centre(tmp_path, "{method: shared, account: captain}")


async def test_a_table_knows_exactly_its_names(tmp_path: Path) -> None:
    table = centre(tmp_path, "{method: table, table: {alice: hpc1, Alice: hpc2, 李雷: hpc3}}")
    assert [await table.account(name) for name in ("alice", "Alice", "李雷")] == ["hpc1", "hpc2", "hpc3"]
    for name in ("ALICE", "alice ", "bob", "root", "hpc1", "", "../alice"):
        with pytest.raises(Forbidden) as caught:
            await table.account(name)
        assert caught.value.code == "centre.account"


def command(tmp_path: Path, body: str) -> Centre:
    program = tmp_path / "accounts"
    program.write_text(f"#!{sys.executable}\nimport sys\nname = sys.stdin.read()\n{body}\n")
    program.chmod(0o755)
    return centre(tmp_path, f"{{method: command, command: [{program}]}}")


async def test_a_command_is_asked_once_a_name(tmp_path: Path) -> None:
    """And gets the name on its input as it is, whatever is in it."""
    asked = tmp_path / "asked"
    body = f"open({str(asked)!r}, 'a').write(name); print('hpc%d' % (sum(map(ord, name)) % 1000))"
    there = command(tmp_path, body)
    names = ["alice", "Alice", "a;id", "../x", "$(id)", "李雷", "a b", "-n"]
    for name in names:
        assert (await there.account(name)).startswith("hpc")
        await there.account(name)
    assert asked.read_text().splitlines() == names


@pytest.mark.parametrize("name", ["a\nb", "a\0", "a\u2028b", "\x1b[2J", "x" * 256, "a\u202eb"])
async def test_a_name_that_is_no_line_is_not_asked(tmp_path: Path, name: str) -> None:
    with pytest.raises(Forbidden):
        await command(tmp_path, "print('hpc1')").account(name)


@pytest.mark.parametrize(
    "said", ["root", "slurm", "Root", "a;id", "../x", "a b", "hpc1\\nhpc2", "-x", "1000", "a" * 33]
)
async def test_an_answer_that_is_no_persons_account(tmp_path: Path, said: str) -> None:
    with pytest.raises(Forbidden):
        await command(tmp_path, f"print('{said}')").account("alice")


@pytest.mark.parametrize(("number", "may"), [(0, False), (107, False), (999, False), (1000, True)])
async def test_an_account_of_this_machine_is_a_persons_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, may: bool
) -> None:
    """A service's account of which nobody has heard here, as each package may bring one."""
    found = pwd.struct_passwd(("reactor", "x", number, number, "", "/var/lib/reactor", "/bin/false"))
    monkeypatch.setattr(pwd, "getpwnam", {"reactor": found}.__getitem__)
    table = centre(tmp_path, "{method: table, table: {alice: reactor}}")
    if may:
        assert await table.account("alice") == "reactor"
        return
    with pytest.raises(Forbidden) as caught:
        await table.account("alice")
    assert caught.value.code == "centre.account"


async def test_a_command_never_puts_two_people_on_one_account(tmp_path: Path) -> None:
    there = command(tmp_path, "print('hpc1')")
    outcomes = await asyncio.gather(
        *(there.account(name) for name in ("alice", "bob", "carol")), return_exceptions=True
    )
    assert outcomes.count("hpc1") == 1
    assert sum(isinstance(outcome, Forbidden) for outcome in outcomes) == 2


async def test_no_answer_is_not_no_account(tmp_path: Path) -> None:
    """The directory service may be away for a minute; nobody is told that they have no account."""
    with pytest.raises(Unavailable):
        await command(tmp_path, "sys.exit('cannot contact LDAP server')").account("alice")
    with pytest.raises(Forbidden):
        await command(tmp_path, "pass").account("alice")
