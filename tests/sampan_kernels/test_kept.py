"""What waits for a kernel, in a file for the server after this one: never run twice."""

from __future__ import annotations

from pathlib import Path

from sampan_kernels.kept import Kept
from sampan_kernels.parcel import Parcel


def test_what_stands_behind_the_one_handed_on_is_still_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    some = Kept(file)
    for code in ("first()", "second()", "third()"):
        some.add(("shell", Parcel.make("execute_request", {"code": code}, {}, (b"me",))))
    assert some.first()[1].content["code"] == "first()"
    assert [one.content["code"] for _, one in Kept(file).take()] == ["second()", "third()"]
    some.first()
    some.first()
    assert not some
    assert not Kept(file), "what may have been run is not run a second time"


def test_what_is_taken_back_is_in_no_file(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    some = Kept(file)
    for kind in ("execute_request", "comm_info_request", "execute_request"):
        some.add(("shell", Parcel.make(kind, {}, {}, (b"me",))))
    assert [one.kind for _, one in Kept(file).take("execute_request")] == ["execute_request"] * 2
    assert [one.kind for _, one in Kept(file).take()] == ["comm_info_request"]
    assert not Kept(file)
    file.write_text("half a li")
    assert not Kept(file), "written while the disk was full"
