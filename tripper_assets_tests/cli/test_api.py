"""`tripper api`: what keeps it from starting is one sentence, and no link to where nobody answers is printed."""

import socket

from tripper_assets_tests.cli.conftest import Shell
from tripper_assets_tests.outage import NOBODY


def test_a_catalog_that_is_down_is_one_sentence_and_no_link(module_shell: Shell) -> None:
    said = module_shell("api", TRIPPER_DATABASE_URL=NOBODY)

    assert (said.code, said.out) == (1, "")
    assert "does not answer" in said.error


def test_a_port_that_is_taken_is_named_with_what_can_be_done(module_shell: Shell) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        said = module_shell("api", TRIPPER_API_PORT=str(port))

    assert said.code == 1
    assert str(port) in said.error
    assert "TRIPPER_API_PORT" in said.error


def test_a_short_token_is_refused_without_being_shown(module_shell: Shell) -> None:
    said = module_shell("api", TRIPPER_API_TOKEN="sh0rt")

    assert said.code == 2
    assert "16 characters" in said.error
    assert "sh0rt" not in said.err
