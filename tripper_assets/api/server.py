"""The API's own process: it answers until it is asked to end."""

from collections.abc import Callable

import uvicorn

from tripper_assets.api.app import create_app
from tripper_assets.api.context import open_context
from tripper_assets.settings import Settings

GRACEFUL_SECONDS = 1
"""What a stream of events gets to end; whoever watches comes back."""


def serve(settings: Settings, *, host: str, on_opened: Callable[[], None]) -> None:
    """Answer until a signal comes; the settings have the token. ``on_opened`` is called when what it answers from is there.

    Raises:
        ConfigurationError: what the environment names is wrong.
        TransientError: the catalog does not answer.
    """
    # Opened here and not by the app, whose server writes a stack of an error and no sentence.
    with open_context(settings) as context:
        # No access log: it would have the token of the link in it.
        config = uvicorn.Config(
            create_app(context),
            host=host,
            port=settings.api_port,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
        on_opened()
        uvicorn.Server(config).run()
