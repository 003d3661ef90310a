"""The routes on a real Jupyter server: who is let in, and what is said while the broker is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sampan_lab.a_broker import Broker, a_broker
from tests.sampan_lab.a_server import HEADERS, TOKEN, Server, a_server


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """In its place the proxy answers that it is away."""
    with a_broker(tmp_path_factory.mktemp("broker") / "b.sock") as found:
        found.away = True
        yield found


@pytest.fixture(scope="module")
def server(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(broker, tmp_path_factory.mktemp("home")) as found:
        yield found


def test_a_page_is_told_of_its_session_while_the_broker_is_away(server: Server) -> None:
    answer = server.ask("GET", "session", headers=HEADERS)
    told = answer.json()
    assert (answer.status_code, told["asked"], told["seen"]) == (200, False, "alive")
    assert told["names"] == {"en": "east", "zh": "东部中心"}


def test_moving_on_without_a_broker_is_refused_in_both_languages(server: Server) -> None:
    answer = server.ask("POST", "move-on", headers=HEADERS)
    assert answer.status_code == 424
    error = answer.json()["error"]
    assert error["code"].startswith("broker.")
    assert error["en"]
    assert error["zh"]


@pytest.mark.parametrize(("body", "wish"), [("", {}), ('{"minutes": 90}', {"minutes": 90})])
def test_how_long_it_shall_be_is_the_broker_s_to_judge(server: Server, body: str, wish: object) -> None:
    server.ask("POST", "move-on", headers=HEADERS, content=body)
    assert server.broker.asked[-1] == ("POST /services/sampan/api/launches/abcd1234/move-on", wish)


@pytest.mark.parametrize("body", ["[1]", "{"])
def test_a_wish_is_an_object(server: Server, body: str) -> None:
    assert server.ask("POST", "move-on", headers=HEADERS, content=body).status_code == 400


def test_a_size_is_the_broker_s_to_judge(server: Server) -> None:
    server.ask("PUT", "clusters/abcd1234/size", headers=HEADERS, content='{"workers": "x"}')
    assert ("PUT /services/sampan/api/clusters/abcd1234/size", {"workers": "x"}) in server.broker.asked


def test_who_is_here_says_so(server: Server) -> None:
    assert server.ask("POST", "awake", headers=HEADERS).status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "centres"),
        ("GET", "launches"),
        ("DELETE", "launches/abcd1234"),
        ("POST", "place"),
        ("GET", "clusters"),
        ("PUT", "clusters/abcd1234/size"),
    ],
)
def test_a_panel_is_told_that_the_broker_is_away(server: Server, method: str, path: str) -> None:
    answer = server.ask(
        method, path, headers=HEADERS, **({"content": '{"options": {}}'} if path == "place" else {})
    )
    assert answer.status_code == 424
    assert answer.json()["error"]["zh"]


@pytest.mark.parametrize("body", ["", "[1]", '{"options": 1}'])
def test_options_are_an_object(server: Server, body: str) -> None:
    assert server.ask("POST", "place", headers=HEADERS, content=body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "session"),
        ("POST", "move-on"),
        ("POST", "awake"),
        ("GET", "centres"),
        ("GET", "launches"),
        ("DELETE", "launches/abcd1234"),
        ("POST", "place"),
        ("GET", "clusters"),
        ("PUT", "clusters/abcd1234/size"),
    ],
)
def test_strangers_are_not_let_in(server: Server, method: str, path: str) -> None:
    assert server.ask(method, path).status_code == 403
    assert server.ask(method, path, headers={"Authorization": "token wrong"}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "move-on", 424),
        ("POST", "awake", 204),
        ("DELETE", "launches/abcd1234", 424),
        ("PUT", "clusters/abcd1234/size", 424),
    ],
)
def test_another_site_s_page_cannot_use_a_person_s_cookies(
    server: Server, method: str, path: str, status: int
) -> None:
    with server.client() as client:
        assert client.post("/login", data={"password": "no"}).status_code in (401, 403)
        client.get("/login")
        came = client.post("/login", data={"password": TOKEN, "_xsrf": client.cookies["_xsrf"]})
        assert came.status_code == 302
        assert client.get("/sampan/api/session").status_code == 200, "by the cookie"
        assert client.request(method, f"/sampan/api/{path}").status_code == 403
        headers = {"X-XSRFToken": client.cookies["_xsrf"]}
        assert client.request(method, f"/sampan/api/{path}", headers=headers).status_code == status
