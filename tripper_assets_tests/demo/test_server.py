"""The sample server answers on loopback, counts, and says what to do about a taken port."""

import errno
import http.client
import os
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from tripper_assets.demo.server import DemoServer, is_shown, serve
from tripper_assets.domain.errors import PermanentError

TODAY = date(2026, 3, 15)


def test_one_connection_serves_many_requests_and_each_is_counted() -> None:
    with serve(0, TODAY) as server:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.server_address[1]))
        for path in ("/", "/activity/bat-walk", "/nothing"):
            connection.request("GET", path)
            connection.getresponse().read()
        connection.request("HEAD", "/")
        head = connection.getresponse()
        head.read()
        connection.close()

        assert head.status == 200
        assert server.answers == {200: 3, 404: 1}


def test_a_visitor_that_goes_away_is_no_error_to_tell(capfd: pytest.CaptureFixture[str]) -> None:
    with serve(0, TODAY) as server:
        with socket.create_connection(("127.0.0.1", int(server.server_address[1]))) as visitor:
            visitor.sendall(b"GET / HTTP/1.1\r\n")
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
        time.sleep(0.1)

    assert capfd.readouterr().err == ""


def test_a_large_page_does_not_wait_for_its_headers_acknowledgement() -> None:
    with serve(0, TODAY) as server:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.server_address[1]))
        pairs = [
            [_seconds_for(connection, path) for path in ("/robots.txt", "/images/bat-walk.jpg")] for _ in range(20)
        ]
        connection.close()

    # A busy machine holds both up; an acknowledgement that is waited for costs the large one alone 40 ms each time.
    small, large = (sorted(seconds)[10] for seconds in zip(*pairs, strict=True))
    assert large - small < 0.03


def _seconds_for(connection: http.client.HTTPConnection, path: str) -> float:
    start = time.perf_counter()
    connection.request("GET", path)
    connection.getresponse().read()
    return time.perf_counter() - start


def test_many_visitors_at_once_are_all_counted() -> None:
    with serve(0, TODAY) as server, ThreadPoolExecutor(8) as visitors:
        port = int(server.server_address[1])
        list(visitors.map(lambda _: _visit(port, times=50), range(8)))

        assert server.answers == {200: 400}


def _visit(port: int, *, times: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(times):
        connection.request("HEAD", "/")
        connection.getresponse().read()
    connection.close()


def test_a_site_that_is_gone_answers_no_open_connection() -> None:
    with serve(0, TODAY) as server:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.server_address[1]))
        connection.request("GET", "/")
        connection.getresponse().read()
        kept = connection.sock

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _ask_again(kept)
    kept.close()


def _ask_again(kept: socket.socket) -> None:
    kept.sendall(b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    answer = http.client.HTTPResponse(kept, method="HEAD")
    try:
        answer.begin()
    finally:
        answer.close()


def test_whether_a_site_is_shown_is_asked_of_the_port() -> None:
    with serve(0, TODAY) as server:
        port = int(server.server_address[1])

        assert is_shown(port)

    assert not is_shown(port)


def test_a_taken_port_says_which_setting_to_change() -> None:
    with (
        serve(0, TODAY) as server,
        pytest.raises(PermanentError, match="TRIPPER_DEMO_PORT"),
        serve(int(server.server_address[1]), TODAY),
    ):
        pass


def test_a_port_that_cannot_be_had_says_why_and_which_setting_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DemoServer, "server_bind", _refused)

    with (
        pytest.raises(PermanentError, match=r"port 80 cannot be had \(Permission denied\).*TRIPPER_DEMO_PORT"),
        serve(80, TODAY),
    ):
        pass


def _refused(_: DemoServer) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # as an ordinary user is told
