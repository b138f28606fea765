"""`tripper api`: the API and its pages alone, where Dagster runs elsewhere."""

import http.client
import socket
from typing import Annotated

import typer

from tripper_assets.api.addresses import host_of, link_of, token_of, with_token
from tripper_assets.cli.output import say
from tripper_assets.cli.session import prepare_home
from tripper_assets.domain.errors import PermanentError
from tripper_assets.resources import LOOPBACK
from tripper_assets.settings import load_settings

ANSWER_SECONDS = 5


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("api")(api)


def api(
    *,
    host: Annotated[
        str,
        typer.Option(help="Where it listens. Default: all addresses with TRIPPER_API_TOKEN, else this machine alone."),
    ] = "",
    link: Annotated[bool, typer.Option(help="Print the link that signs in.")] = True,
) -> None:
    """Serve the API and its pages on TRIPPER_API_PORT until Ctrl-C; runs are asked of Dagster at TRIPPER_DAGSTER_URL."""
    from tripper_assets.api.server import serve  # noqa: PLC0415 (a second that only this command pays)

    settings = load_settings()
    prepare_home(settings)
    host = host or host_of(settings)
    check_port(settings.api_port, "The API and its pages", "set TRIPPER_API_PORT to another one", host=host)
    token = token_of(settings)

    def show() -> None:
        if link:
            say(link_of(settings, token))

    serve(with_token(settings, token), host=host, on_opened=show)


def check_port(port: int, what: str, otherwise: str, *, host: str = LOOPBACK) -> None:
    """Check that a port is free.

    Raises:
        PermanentError: it is not, and what can be done.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PermanentError(
                f"{what} cannot be shown, for port {port} is taken ({error.strerror}); free it, or {otherwise}."
            ) from error


def is_alive(port: int) -> bool:
    """Return whether an API answers at a port of this machine."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
