"""The sample server answers on loopback, counts, and says what to do about a taken port."""

import http.client
import socket
import struct
import time
from datetime import date

import pytest

from tripper_assets.demo.server import serve
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


def test_a_taken_port_says_which_setting_to_change() -> None:
    with (
        serve(0, TODAY) as server,
        pytest.raises(PermanentError, match="TRIPPER_DEMO_PORT"),
        serve(int(server.server_address[1]), TODAY),
    ):
        pass
