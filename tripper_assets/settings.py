"""The only place that reads the environment: every setting with its default, and the text of .env.example."""

import os
import re
import shutil
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tripper_assets.domain.errors import ConfigurationError
from tripper_assets.domain.notifications import TOLD_BY_DEFAULT, NotificationKind
from tripper_assets.domain.sources import validation_sentence
from tripper_assets.domain.taggers import RefinerText, TaggerText

MAX_PORT = 65535
WEBHOOK = re.compile(r"https?://[^\s@/?#]+([/?][^\s#]*)?")
SHORTEST_TOKEN = 16
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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
        description="postgresql+psycopg://user:password@host/name, or none to run up to the final JSONL. Default: embedded PostgreSQL.",
    )
    user_agent: str = Field(
        default="tripper_assets/0.1", description="How the crawler names itself; the contact is appended."
    )
    contact: str = Field(
        default="", description="A URL or e-mail address that a site's owner can write to; sent in the User-Agent."
    )
    geocoder: Literal["offline", "nominatim", "photon", "pelias", "census", "google"] = Field(
        default="offline",
        description="Who answers where a place is: offline, nominatim, photon, pelias, census or google. See docs/geocoding.md.",
    )
    geocoder_url: str = Field(
        default="",
        description="Its server, such as http://localhost:8080. Default: the provider's own for census and google; the others need one.",
    )
    geocoder_delay_seconds: float | None = Field(
        default=None,
        ge=0,
        description="Between two of its requests, of all processes together. Default: 1; google 0.05. A public server's own limit always holds.",
    )
    google_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="GOOGLE_API_KEY",
        description="The key of TRIPPER_GEOCODER=google, and of the tagger gemini where GEMINI_API_KEY is not set.",
    )
    embedder: Literal["local", "openai"] = Field(
        default="local", description="Who turns text into vectors: local, or openai, which needs OPENAI_API_KEY."
    )
    embedding_model: str = Field(
        default="", description="The model of openai. Default: text-embedding-3-small. The local one has no other."
    )
    embedding_dimensions: int = Field(
        default=0,
        ge=0,
        description="How long its vectors are; shorter ones than the model's own are asked for. Default: 0, the model's own.",
    )
    embedding_direct_texts: int = Field(
        default=0,
        ge=0,
        le=2_048,
        description="Up to so many new texts of a source are embedded at once, at the full price, and not in a batch. Default: 0, none.",
    )
    embedding_price: str = Field(
        default="",
        description="Its full price in US dollars for a million tokens; a batch costs half. Default: the price that is known of the model.",
    )
    embedding_queue_tokens: int = Field(
        default=3_000_000,
        ge=10_000,
        description="How many tokens the account may have in its batch queue for the model at one time.",
    )
    llm: str = Field(
        default="",
        description="Who is asked about gaps, for sources with llm_extraction: gaps; provider:model, such as openai:gpt-6-luna. Default: nobody.",
    )
    llm_price: str = Field(
        default="",
        description="Its price as input,output in US dollars for a million tokens. Default: the price that is known of the model.",
    )
    taggers: Annotated[tuple[TaggerText, ...], NoDecode] = Field(
        default=("local",),
        description="Who votes on tags: a comma list of local, openai, anthropic, gemini and groq, each as provider:model if wanted. Default: local.",
    )
    tagger_prices: str = Field(
        default="",
        description="Their full prices as provider:model=input,output;... in US dollars for a million tokens. Default: the prices that are known.",
    )
    tagger_queue_tokens: int = Field(
        default=0,
        ge=0,
        description="How many tokens may wait in the batches of one of them at one time. Default: 0, what its provider allows.",
    )
    refiner: RefinerText = Field(
        default="",
        description="Who refines tags, for sources with refine_tags: provider:model of openai, anthropic, gemini or groq. Default: TRIPPER_LLM's.",
    )
    executor: Literal["in_process", "multiprocess"] = Field(
        default="in_process", description="How a run's steps are executed: in_process or multiprocess."
    )
    log_file: Path | None = Field(
        default=None,
        description="Where runs log too, one JSON object a line with workflow, source and step; /dev/stderr is one. Default: nowhere.",
    )
    retention_days: int = Field(default=30, ge=0, description="How long `tripper cleanup` keeps intermediate files.")
    demo_port: int = Field(default=8765, ge=1, le=MAX_PORT, description="The loopback port of the bundled sample site.")
    dagster_url: str = Field(
        default="http://127.0.0.1:3000",
        pattern=r"^https?://[^\s@?#]+$",
        description="The Dagster webserver that the API asks to launch, retry and cancel runs; `tripper up` names its own.",
    )
    api_port: int = Field(default=3003, ge=1, le=MAX_PORT, description="The port of the API and the pages.")
    api_token: SecretStr = Field(
        default=SecretStr(""),
        description="What programs and people sign in with. Default: a fresh one at each start, and this machine alone can reach the API.",
    )
    public_search: bool = Field(
        default=False, description="on: the search and the activities are open to all, without signing in."
    )
    tile_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s'\"<>;,@?#]+\{[zxy]\}[^\s'\"<>;,@]*)?$",
        description="Map tiles such as https://tiles.example/{z}/{x}/{y}.png, which browsers ask that server for. Default: packaged outlines.",
    )
    tile_attribution: str = Field(
        default="© OpenStreetMap contributors", description="Whose map tiles they are, as the map's credit says."
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s@?#]+)?$",
        description="Where people reach the pages, for links to them, such as https://tripper.example.org. Default: this machine.",
    )
    webhook_url: SecretStr = Field(
        default=SecretStr(""),
        description="Where people are told of failures, wanted reviews and held imports, such as a Slack webhook. Default: nobody is told.",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="What messages to it are signed with. Default: they are not signed."
    )
    webhook_events: Annotated[tuple[NotificationKind, ...], NoDecode] = Field(
        default=TOLD_BY_DEFAULT,
        description="What is told, as a comma list of failed, review, guard and imported. Default: failed,review,guard.",
    )
    openai_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="OPENAI_API_KEY",
        description="The key of openai, for TRIPPER_EMBEDDER, TRIPPER_LLM and TRIPPER_TAGGERS.",
    )
    openai_base_url: str = Field(
        default="",
        validation_alias="OPENAI_BASE_URL",
        description="Another server that speaks OpenAI's API. Default: OpenAI's own.",
    )
    anthropic_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="ANTHROPIC_API_KEY", description="The key of the tagger anthropic."
    )
    anthropic_base_url: str = Field(
        default="",
        validation_alias="ANTHROPIC_BASE_URL",
        description="Another server that speaks Anthropic's API. Default: Anthropic's own.",
    )
    gemini_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="GEMINI_API_KEY", description="The key of the tagger gemini."
    )
    gemini_base_url: str = Field(
        default="",
        validation_alias="GOOGLE_GEMINI_BASE_URL",
        description="Another server that speaks Gemini's API. Default: Google's own.",
    )
    groq_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias="GROQ_API_KEY", description="The key of the tagger groq."
    )
    groq_base_url: str = Field(
        default="",
        validation_alias="GROQ_BASE_URL",
        description="Another server that speaks Groq's API. Default: Groq's own.",
    )
    allow_private_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="1 opens a source's own private host and port; a comma list of host:port opens those. Default: none.",
    )

    chromium: str = Field(
        default="",
        description="The Chromium that shows pages made by scripts. Default: chromium, chromium-browser or google-chrome on the PATH.",
    )

    @field_validator("home", mode="after")
    @classmethod
    def _absolute_home(cls, home: Path) -> Path:
        # Never the current folder: two commands started in two places would see two catalogs.
        # Without a checkout around the package there is no workspace.yaml to stand beside: then it is the user's folder.
        base = PROJECT_FOLDER if (PROJECT_FOLDER / "workspace.yaml").exists() else Path.home()
        return home if home.is_absolute() else base / home

    @field_validator("api_token", mode="after")
    @classmethod
    def _long_token(cls, token: SecretStr) -> SecretStr:
        if token.get_secret_value() and len(token.get_secret_value()) < SHORTEST_TOKEN:
            message = f"is shorter than {SHORTEST_TOKEN} characters"
            raise ValueError(message)
        return token

    @field_validator("webhook_url", mode="after")
    @classmethod
    def _http_webhook(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not (WEBHOOK.fullmatch(url.get_secret_value()) and _has_host(url)):
            message = "is no http or https URL"
            raise ValueError(message)
        return url

    @field_validator("allow_private_addresses", "webhook_events", "taggers", mode="before")
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

    @field_validator("tile_url", mode="after")
    @classmethod
    def _tile_template(cls, value: str) -> str:
        if value and not all(part in value for part in ("{z}", "{x}", "{y}")):
            message = "names no {z}, {x} and {y}"
            raise ValueError(message)
        return value

    @property
    def objects_url(self) -> str:
        """The URL of the object store."""
        return self.store_url or (self.home / "objects").as_uri()

    @property
    def pages_url(self) -> str:
        """Where the pages are, without a slash at its end."""
        return (self.public_url or f"http://127.0.0.1:{self.api_port}").rstrip("/")

    @property
    def chromium_path(self) -> str:
        """The path of Chromium, empty where there is none."""
        found = (shutil.which(name) for name in ([self.chromium] if self.chromium else CHROMIUM_NAMES))
        return next((path for path in found if path), self.chromium)

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
        raise ConfigurationError(f"The environment is wrong: {_as_variables(error).rstrip('.')}.") from error
    return settings


def _has_host(url: SecretStr) -> bool:
    """Return whether a URL's host and port are some; what is wrong with them would show the URL."""
    try:
        parts = urlsplit(url.get_secret_value())
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _as_variables(error: ValidationError) -> str:
    sentence = validation_sentence(error)
    for name in Settings.model_fields:
        sentence = sentence.replace(f"{name}:", f"{variable(name)}:", 1)
    return sentence


def variable(name: str) -> str:
    """Return the environment variable that sets the field ``name``."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"TRIPPER_{name.upper()}"


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
    if isinstance(default, bool):
        return "on" if default else "off"
    return "" if default is None or isinstance(default, (SecretStr, tuple)) else str(default)
