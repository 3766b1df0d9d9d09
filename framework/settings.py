"""Settings: `SLUICE_*` variables over `sluice.toml`, read once at the edge of a process."""

from __future__ import annotations

from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from pydantic_settings import BaseSettings as _Nested

from framework.errors import ConfigurationError

FILE_NAME = "sluice.toml"


class S3Settings(_Nested):
    """How to reach an S3-compatible store; empty fields leave the library's own default chain at work."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="SLUICE_S3_UNUSED_")

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None


class RetrySettings(_Nested):
    """How calls to sources are tried again that do not say so themselves; see `Retry`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="SLUICE_RETRY_UNUSED_")

    attempts: int = 5
    within: str | None = None
    first: str = "500ms"
    longest: str = "10s"
    budget: int = 10


class Settings(BaseSettings):
    """Where things are and how a run behaves. Paths are relative to the project's folder."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    project: Path = Path()
    raw: str = "data/raw"
    lake: str = "data/lake"
    exports: str = "data/exports"
    cache: str = ""
    cache_days: float = Field(default=30, gt=0)
    cache_mb: int = Field(default=10_240, ge=0)
    ledger: str = "sqlite:///data/ledger.db"
    logs: str = "data/logs"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    packages: tuple[str, ...] = ("pipelines",)
    memory_mb: int | None = Field(default=None, ge=256)
    grace_s: float = Field(default=5.0, ge=0)
    workers: int | None = Field(default=None, ge=1)
    nodes: bool = True
    pools: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    hooks: tuple[str, ...] = ()
    s3: S3Settings = S3Settings()
    retry: RetrySettings = RetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: arguments, environment, `sluice.toml` of the project."""
        project = Path(init_settings().get("project") or ".")
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, project / FILE_NAME)

    def path(self, value: str) -> str:
        """Resolve a local path against the project's folder; leave URLs and absolute paths alone."""
        return value if "://" in value else str((self.project / value).absolute())

    @property
    def ledger_url(self) -> str:
        """The ledger's address, a relative SQLite file resolved against the project's folder."""
        prefix = "sqlite:///"
        if self.ledger.startswith(prefix) and not self.ledger.startswith(prefix + "/"):
            return prefix + self.path(self.ledger.removeprefix(prefix))
        return self.ledger


def load_settings(project: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings of a project folder (default: the current one).

    Raises:
        ConfigurationError: when a setting is unknown or has a wrong value; names every one of them.
    """
    try:
        return Settings(project=project or Path(), **overrides)
    except (TOMLDecodeError, SettingsError) as error:
        raise ConfigurationError(f"settings cannot be read ({FILE_NAME} or SLUICE_* variables): {error}") from error
    except ValidationError as error:
        lines = [f"  - {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        text = f"settings cannot be used ({FILE_NAME} or SLUICE_* variables):"
        raise ConfigurationError("\n".join([text, *lines])) from error
