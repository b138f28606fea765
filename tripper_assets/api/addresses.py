"""Where the API listens, with which token, and the link that a person signs in with; light, for every command reads it."""

import secrets

from pydantic import SecretStr

from tripper_assets.resources import LOOPBACK
from tripper_assets.settings import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 (only with a token that the operator chose)


def token_of(settings: Settings) -> SecretStr:
    """Return the token that the operator set, else a fresh one."""
    return settings.api_token if settings.api_token.get_secret_value() else SecretStr(secrets.token_urlsafe(32))


def host_of(settings: Settings) -> str:
    """Return where the API listens: on this machine alone, unless the operator set a token."""
    return EVERYWHERE if settings.api_token.get_secret_value() else LOOPBACK


def link_of(settings: Settings, token: SecretStr) -> str:
    """Return the address that signs a person in, with the token where it is a fresh one; one that the operator set is theirs to keep."""
    address = f"http://{LOOPBACK}:{settings.api_port}/"
    return address if settings.api_token.get_secret_value() else f"{address}?token={token.get_secret_value()}"


def with_token(settings: Settings, token: SecretStr) -> Settings:
    """Return the settings of an API that knows a token."""
    return settings.model_copy(update={"api_token": token})
