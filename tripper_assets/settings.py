"""The only place that reads the environment: every setting with its default, and the text of .env.example."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.sources import validation_sentence

MAX_PORT = 65535
PROJECT_FOLDER = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are and what may be used; nothing here is needed for a start."""

    model_config = SettingsConfigDict(
        env_prefix="TRIPPER_",
        env_file=None,
        env_ignore_empty=True,  # a compose file hands an unset variable on as an empty one
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(
        default=Path(".tripper"),
        description="Everything the embedded defaults keep: objects, Postgres, the Dagster instance. Default: .tripper beside workspace.yaml.",
    )
    store_url: str = Field(
        default="", description="file:///folder, s3://bucket/prefix or memory://. Default: a folder under the home."
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="postgresql+psycopg://user:password@host/name. Default: embedded PostgreSQL.",
    )
    user_agent: str = Field(
        default="tripper_assets/0.1", description="How the crawler names itself; the contact is appended."
    )
    contact: str = Field(
        default="", description="A URL or e-mail address that a site's owner can write to; sent in the User-Agent."
    )
    geocoder: Literal["offline"] = Field(default="offline", description="Who answers where a place is: offline.")
    embedder: Literal["local"] = Field(default="local", description="Who turns text into vectors: local.")
    executor: Literal["in_process", "multiprocess"] = Field(
        default="in_process", description="How a run's steps are executed: in_process or multiprocess."
    )
    retention_days: int = Field(default=30, ge=0, description="How long `tripper cleanup` keeps intermediate files.")
    demo_port: int = Field(default=8765, ge=1, le=MAX_PORT, description="The loopback port of the bundled sample site.")
    allow_private_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="1 opens a source's own private host and port; a comma list of host:port opens those. Default: none.",
    )

    @field_validator("home", mode="after")
    @classmethod
    def _absolute_home(cls, home: Path) -> Path:
        # Never the current folder: two commands started in two places would see two catalogs.
        # Without a checkout around the package there is no workspace.yaml to stand beside: then it is the user's folder.
        base = PROJECT_FOLDER if (PROJECT_FOLDER / "workspace.yaml").exists() else Path.home()
        return home if home.is_absolute() else base / home

    @field_validator("allow_private_addresses", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allow_private_addresses", mode="after")
    @classmethod
    def _host_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == ("1",):
            return value
        for part in value:
            host, _, port = part.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
                message = "is neither 1 nor a comma list of host:port"
                raise ValueError(message)
        return value

    @property
    def objects_url(self) -> str:
        """The URL of the object store."""
        return self.store_url or (self.home / "objects").as_uri()

    @property
    def dagster_home(self) -> Path:
        """The folder that Dagster keeps its instance in."""
        return self.home / "dagster"

    @property
    def catalog(self) -> Literal["embedded", "url", "none"]:
        """Which catalog is used."""
        value = self.database_url.get_secret_value()
        return "none" if value == "none" else "url" if value else "embedded"

    @property
    def full_user_agent(self) -> str:
        """The User-Agent header, with the contact where there is one."""
        return f"{self.user_agent} (+{self.contact})" if self.contact else self.user_agent

    def open_addresses(self, source_host: str, source_port: int) -> frozenset[tuple[str, int]]:
        """Return the private host and port pairs that requests for this source may reach."""
        if self.allow_private_addresses == ("1",):
            return frozenset({(source_host, source_port)})
        pairs = (part.rpartition(":") for part in self.allow_private_addresses)
        return frozenset((host.strip("[]"), int(port)) for host, _, port in pairs)


def load_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigurationError: names every variable that is wrong, never its value.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise ConfigurationError(f"The environment is wrong: {_as_variables(error)}.") from error
    return settings


def _as_variables(error: ValidationError) -> str:
    sentence = validation_sentence(error)
    for name in Settings.model_fields:
        sentence = sentence.replace(f"{name}:", f"{variable(name)}:", 1)
    return sentence


def variable(name: str) -> str:
    """Return the environment variable that sets the field ``name``."""
    return f"TRIPPER_{name.upper()}"


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment for a child process: ours, with the home made absolute and Dagster's home set."""
    return {**os.environ, "TRIPPER_HOME": str(settings.home), "DAGSTER_HOME": str(settings.dagster_home)}


def env_example() -> str:
    """Return the text of .env.example: every variable, commented out, with what it does."""
    lines = ["# Every setting of tripper_assets; none is needed for a start. Copy to .env and export what you change."]
    for name, field in Settings.model_fields.items():
        lines += ["", f"# {field.description}", f"# {variable(name)}={_shown_default(name)}"]
    lines += [
        "",
        "# S3: AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL and the rest, as boto3 reads them.",
    ]
    return "\n".join(lines) + "\n"


def _shown_default(name: str) -> str:
    default = Settings.model_fields[name].default
    return "" if isinstance(default, (SecretStr, tuple)) else str(default)
