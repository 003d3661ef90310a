from __future__ import annotations

from pathlib import Path

import pytest

from sampan.address import Address
from sampan.errors import Forbidden, Invalid

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("given", "url", "socket"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/services/sampan", None),
        ("http://127.0.0.1:8000/services/sampan/", "http://127.0.0.1:8000/services/sampan", None),
        ("https://hub.example.org/jupyter/", "https://hub.example.org/jupyter/services/sampan", None),
        ("http+unix://%2Frun%2Fb.sock/services/sampan", "http://broker/services/sampan", "/run/b.sock"),
        ("http+unix://%2Frun%2F%E7%AC%94.sock", "http://broker/services/sampan", "/run/笔.sock"),
    ],
)
def test_forms_of_an_address(given: str, url: str, socket: str | None) -> None:
    address = Address.parse(given)
    assert (address.url, address.socket) == (url, socket)


def test_a_socket_needs_no_url(tmp_path: Path) -> None:
    address = Address.parse(None, socket=tmp_path / "broker.sock", secret="s", user="alice")
    assert address.url == "http://broker/services/sampan"
    assert address.headers() == {"Authorization": "Sampan s", "X-Sampan-User": "alice"}
    assert address.on_this_machine


@pytest.mark.parametrize(
    "given", [None, "", "hub.example.org", "ftp://a/b", "http://", "http+unix://relative/x", "file:///etc"]
)
def test_what_is_no_address_is_said(given: str | None) -> None:
    with pytest.raises(Invalid) as caught:
        Address.parse(given)
    assert caught.value.code == "broker.address"


def test_a_site_proxy_sees_only_what_leaves_the_machine() -> None:
    assert Address.parse("http://127.0.0.1:8000").on_this_machine
    assert not Address.parse("https://hub.example.org").on_this_machine


def test_a_session_and_a_laptop(tmp_path: Path) -> None:
    inside = {"SAMPAN_BROKER_URL": "http+unix://%2Fb.sock/services/sampan", "JUPYTERHUB_API_TOKEN": "session"}
    assert Address.from_environment(inside).headers() == {"Authorization": "token session"}
    job = {"SAMPAN_BROKER_URL": inside["SAMPAN_BROKER_URL"], "SAMPAN_BROKER_TOKEN": "its own"}
    assert Address.from_environment(job).headers() == {"Authorization": "token its own"}
    laptop = {"SAMPAN_URL": "http://127.0.0.1:8000", "HOME": str(tmp_path)}
    assert Address.from_environment(laptop).headers() == {}
    assert Address.from_environment({**laptop, "SAMPAN_TOKEN": "t"}).token == "t"
    with pytest.raises(Invalid) as caught:
        Address.from_environment({**laptop, "SAMPAN_URL": "http://hub.example.org", "SAMPAN_TOKEN": "t"})
    assert caught.value.code == "broker.not_encrypted"
    # The session's token belongs to the session's hub, whatever address somebody typed.
    assert Address.from_environment({**inside, **laptop}).token is None
    with pytest.raises(Invalid) as caught:
        Address.from_environment({})
    assert caught.value.code == "broker.no_address"


def test_the_kept_token_is_for_its_owner_alone(tmp_path: Path) -> None:
    laptop = {"SAMPAN_URL": "http://127.0.0.1:8000", "HOME": str(tmp_path)}
    kept = tmp_path / ".config" / "sampan" / "token"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept\n", encoding="utf-8")
    kept.chmod(0o600)
    assert Address.from_environment(laptop).token == "kept"
    kept.chmod(0o640)
    with pytest.raises(Forbidden) as caught:
        Address.from_environment(laptop)
    assert caught.value.code == "broker.token_file"
    kept.unlink()
    kept.mkdir(mode=0o700)
    with pytest.raises(Invalid):
        Address.from_environment(laptop)
