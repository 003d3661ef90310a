"""The federation is what it says: four places that share a machine and nothing else."""

from __future__ import annotations

import json
import re
import socket
from itertools import permutations
from pathlib import Path

import pytest

from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import read_descriptor
from tests.federation.accounts import STRANGER, USERS
from tests.federation.centre import Centre
from tests.federation.federation import Federation
from tests.federation.needs import packages
from tests.federation.shape import CENTRES
from tests.federation.user_environment import python
from tests.waiting import wait_until

pytestmark = pytest.mark.federation

NAMES = [shape.name for shape in CENTRES]
OF_SLURM = [shape.name for shape in CENTRES if shape.has_slurm]
SSHD, SLURMD, SLURMCTLD = 22, 6818, 6817


def reaches(centre: Centre, host: str, address: str, port: int) -> bool:
    """Whether a host gets a connection there: by Python, so that nothing but the network decides."""
    script = f"import socket; socket.create_connection(({address!r}, {port}), 2).close()"
    return centre.run(["/usr/bin/python3", "-c", script], host=host, check=False).returncode == 0


def the_hub_reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 2).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_the_hub_reaches_a_login_node_and_nothing_behind_it(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    assert the_hub_reaches(centre.address, SSHD)
    for host, address in centre.addresses.items():
        assert not the_hub_reaches(address, SSHD if host == "login" else SLURMD)
    # Nor would a login node pass anything on.
    for host in centre.hosts:
        assert centre.run(["cat", "/proc/sys/net/ipv4/ip_forward"], host=host).stdout == "0\n"


@pytest.mark.parametrize("name", OF_SLURM)
def test_a_node_reaches_its_own_centre_alone(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    assert reaches(centre, "n1", centre.addresses["login"], SLURMCTLD)
    assert reaches(centre, "n1", centre.addresses["n2"], SLURMD)
    assert not reaches(centre, "n1", centre.hub_address, SSHD)
    assert not reaches(centre, "n1", centre.address, SSHD)
    for other in federation.centres.values():
        if other.name != name:
            assert not reaches(centre, "n1", other.address, SSHD)
            assert not reaches(centre, "n1", other.addresses["login"], SSHD)
    assert "default" not in centre.run(["ip", "route"], host="n1").stdout


@pytest.mark.parametrize(("name", "other"), list(permutations(NAMES, 2)))
def test_no_centre_reaches_another(federation: Federation, name: str, other: str) -> None:
    """One connection refused for want of a route is quick; each pair has its own."""
    here, there = federation.centre(name), federation.centre(other)
    assert not reaches(here, "login", there.address, SSHD)
    assert not reaches(here, "login", there.hub_address, SSHD)


@pytest.mark.parametrize("name", NAMES)
def test_every_host_has_its_own_name_and_its_own_short_lived_files(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    someone = centre.account("alice")
    for host in centre.hosts:
        assert centre.run(["hostname"], host=host).stdout == f"{name}-{host}\n"
        centre.run(["sh", "-c", f"echo {host} >/tmp/mine; echo {host} >/dev/shm/mine"], host=host)
        centre.run(
            ["sh", "-c", f"echo {host} >>/scratch/ours; echo {host} >>ours"], host=host, account=someone
        )
    for host in centre.hosts:
        assert centre.run(["cat", "/tmp/mine", "/dev/shm/mine"], host=host).stdout == f"{host}\n{host}\n"
        seen = centre.run(["cat", "/scratch/ours", f"/home/{someone}/ours"], host=host).stdout.split()
        assert seen == list(centre.hosts) * 2
    centre.run(["rm", "/scratch/ours", f"/home/{someone}/ours"])


def test_nobody_sees_another_centre_or_the_machine(federation: Federation) -> None:
    """What is made at one centre, or on this machine, exists nowhere else, whatever it is called."""
    east = federation.centre("east")
    east.run(["touch", "/scratch/made-at-east", "/opt/software/made-at-east"])
    own = {
        *("bin", "dev", "etc", "home", "opt", "proc", "root", "run"),
        *("sbin", "scratch", "sys", "tmp", "usr", "var"),
    }
    for centre in federation.centres.values():
        for host in centre.hosts:
            seen = centre.run(["ls", "/"], host=host).stdout.split()
            assert {name for name in seen if not name.startswith("lib")} == own
            for path in (federation.root, Path(__file__), federation.root / "centres" / "east"):
                assert centre.run(["ls", str(path)], host=host, check=False).returncode == 2
            made = centre.run(["ls", "/scratch", "/opt/software"], host=host).stdout
            assert ("made-at-east" in made) == (centre.name == "east")
    east.run(["rm", "/scratch/made-at-east", "/opt/software/made-at-east"])


def test_the_same_person_is_somebody_else_at_each_centre(federation: Federation) -> None:
    centres = federation.centres.values()
    for user in USERS:
        assert len({centre.account(user) for centre in centres}) == len(centres)
    uids = [uid for centre in centres for uid in centre.uids.values()]
    assert len(uids) == len(set(uids)) == len(centres) * (len(USERS) + 2)
    for centre in centres:
        alice = centre.account("alice")
        said = centre.run(["id", "-u"], account=alice).stdout.strip()
        assert said == str(centre.uids[alice])
        homes = centre.run(["stat", "-c", "%a %U", f"/home/{alice}"]).stdout.strip()
        assert homes == f"700 {alice}"
        assert (
            centre.run(["ls", f"/home/{alice}"], account=centre.account("bob"), check=False).returncode != 0
        )
        for other in centres:
            if other is not centre:
                assert other.run(["id", alice], check=False).returncode != 0
    # This machine's own files know none of them.
    assert not re.search(
        r"^(e-alice|alice_w|c3001|cloud-alice):", Path("/etc/passwd").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("name", OF_SLURM)
def test_a_credential_of_one_centre_is_worth_nothing_at_another(federation: Federation, name: str) -> None:
    centre = federation.centre(name)
    credential = centre.run(["munge", "-n"], account=centre.account("alice")).stdout.encode()
    at_home = centre.run(["unmunge"], host="n1", stdin=credential).stdout
    assert re.search(rf"UID:\s+{centre.account('alice')} ", at_home)
    for other in OF_SLURM:
        if other != name:
            read = federation.centre(other).run(["unmunge"], stdin=credential, check=False)
            assert "Invalid credential" in read.stdout + read.stderr


def test_the_hub_hangs_on_a_cut_link_and_goes_on_when_it_is_healed(federation: Federation) -> None:
    east, west = federation.centre("east"), federation.centre("west")
    assert the_hub_reaches(east.address, SSHD)
    east.cut()
    try:
        assert not the_hub_reaches(east.address, SSHD)
        assert the_hub_reaches(west.address, SSHD)
        assert east.run(["scontrol", "ping"]).stdout.startswith("Slurmctld(primary) at east-login is UP")
    finally:
        east.heal()
    # This machine asks anew who has that address, and not at once where it has just asked in vain.
    wait_until(lambda: the_hub_reaches(east.address, SSHD), 30)


def test_a_node_can_be_lost(federation: Federation) -> None:
    west = federation.centre("west")
    west.cut_node("n2")
    try:
        assert not reaches(west, "login", west.addresses["n2"], SLURMD)
        assert reaches(west, "login", west.addresses["n1"], SLURMD)
    finally:
        west.heal_node("n2")
    assert reaches(west, "login", west.addresses["n2"], SLURMD)


def test_a_daemon_can_hang_and_go_on(federation: Federation) -> None:
    west = federation.centre("west")
    west.stop_daemon("slurmctld")
    try:
        asked = west.run(["timeout", "1", "sinfo"], check=False)
        assert asked.returncode == 124
    finally:
        west.continue_daemon("slurmctld")
    wait_until(lambda: west.run(["sinfo"], check=False).returncode == 0, 20)


def test_every_account_can_use_the_user_environment(federation: Federation) -> None:
    script = "import sampan, sampan_kernels.launcher, sys; print(sys.prefix)"
    for centre in federation.centres.values():
        host = centre.shape.hosts[-1]
        said = centre.run([str(python()), "-I", "-c", script], host=host, account=STRANGER).stdout
        assert said.strip() == str(python().parents[1])
        write = ["touch", f"{python().parents[1]}/here"]
        assert centre.run(write, host=host, check=False).returncode != 0


def test_what_is_needed_is_on_the_list_that_make_test_installs() -> None:
    listed = Path(__file__).resolve().parents[2] / "requirements" / "debian.txt"
    names = {line.split()[0] for line in listed.read_text().splitlines() if line.split() and line[0] != "#"}
    assert packages() <= names | {"util-linux"}


def test_descriptors_are_files_of_the_schema(federation: Federation, tmp_path: Path) -> None:
    federation.write_descriptors(tmp_path)
    for name in NAMES:
        told = read_descriptor(tmp_path / f"{name}.yaml")
        assert isinstance(told, Descriptor), told
        assert told.id == name
        assert json.loads((tmp_path / f"{name}.yaml").read_text())["endpoint"]["host_keys"]
