from __future__ import annotations

from pathlib import Path

from sampan_hub.descriptor import Descriptor
from sampan_hub.signing_list import SigningList
from tests.sampan_hub.descriptions import far


def accounts(centre: Descriptor | None) -> set[str]:
    assert centre is not None
    return set(centre.accounts.table.values())


def test_the_list_follows_the_files(tmp_path: Path) -> None:
    listed, file = SigningList(tmp_path), tmp_path / "core.yaml"
    assert listed.centre("core") is None
    file.write_text(far())
    assert accounts(listed.centre("core")) == {"hpc0042", "hpc0043", "hpc0044"}
    file.write_text(far().replace("hpc0044", "hpc0099"))
    assert accounts(listed.centre("core")) == {"hpc0042", "hpc0043", "hpc0099"}
    file.unlink()
    assert listed.centre("core") is None


def test_a_slip_of_the_pen_ends_no_session(tmp_path: Path) -> None:
    listed, file = SigningList(tmp_path), tmp_path / "core.yaml"
    file.write_text(far())
    assert listed.centre("core") is not None
    file.write_text(far() + "colour: red\n")
    assert accounts(listed.centre("core")) == {"hpc0042", "hpc0043", "hpc0044"}
    assert SigningList(tmp_path).centre("core") is None, "but who begins anew knows nobody"


def test_two_files_for_one_centre_are_none(tmp_path: Path) -> None:
    (tmp_path / "core.yaml").write_text(far())
    (tmp_path / "other.yaml").write_text(far().replace("hpc0042", "hpc0001"))
    assert SigningList(tmp_path).centre("core") is None
    (tmp_path / "other.yaml").rename(tmp_path / ".other.yaml")
    assert SigningList(tmp_path).centre("core") is not None


def test_a_folder_that_is_not_there_lists_nobody(tmp_path: Path) -> None:
    assert SigningList(tmp_path / "gone").centre("core") is None
