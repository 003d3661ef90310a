"""The keys of a cluster lie where only their owner can read them, and do not stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sampan.errors import Unavailable
from sampan.seal import Seal, remove_all


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        seal = Seal.make(tmp_path / "attempt")
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {
        seal.directory.parent: 0o700,
        seal.directory: 0o700,
        seal.certificate: 0o600,
        seal.key: 0o600,
    }
    assert seal.key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE" not in seal.certificate.read_text()
    assert seal.security().require_encryption
    seal.remove()
    seal.remove()
    assert list(seal.directory.parent.iterdir()) == []


def test_two_clusters_never_share_a_key(tmp_path: Path) -> None:
    first, second = Seal.make(tmp_path), Seal.make(tmp_path)
    assert first.directory != second.directory
    assert first.key.read_bytes() != second.key.read_bytes()
    assert first.directory.exists()


def test_keys_of_a_killed_process_go_with_the_next_cluster(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from sampan.seal import Seal\n"
        "Seal.make(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -9
    (tmp_path / "dask-notes-of-mine").mkdir()
    (orphan,) = tmp_path.glob("dask-[0-9]*")
    seal = Seal.make(tmp_path)
    assert not orphan.exists()
    assert {path.name for path in tmp_path.iterdir()} == {seal.directory.name, "dask-notes-of-mine"}


def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable) as caught:
        Seal.make(tmp_path / "file" / "attempt")
    assert caught.value.code == "cluster.no_folder"
    assert str(tmp_path) in caught.value.message.say("zh")


def test_all_of_a_session_that_is_over_are_removed(tmp_path: Path) -> None:
    seals = [Seal.make(tmp_path), Seal.make(tmp_path)]
    (tmp_path / "job.log").write_text("stays")
    remove_all(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
    assert not any(seal.directory.exists() for seal in seals)
