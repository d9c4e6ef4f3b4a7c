"""The settings: one frozen object, parsed once, every fault reported at once."""

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.domain.free_text import FreeText, FreeTextPolicy
from shared.domain.model_calls import Budgets, Dollars, ModelPrice
from shared.domain.signals import SignalRules
from shared.domain.taxonomy import FailureType
from shared.errors import ConfigError
from shared.topology import FUNCTIONS, OPTIONAL_SECRETS

SHORTEST_SALT = 32
MOST_WEBHOOK_TOKENS = 2
# What is told where a value has another form.
_LOOKS_LIKE = {
    "datadog_api_url": "must be an address of this machine, such as http://127.0.0.1:8126",
    "datadog_site": "must be a Datadog site, such as datadoghq.com, datadoghq.eu or us5.datadoghq.com",
    "evalforge_log_level": "must be DEBUG, INFO, WARNING, ERROR or CRITICAL",
    "gemini_model": "must be a model's name as its service spells it, such as gemini-3.5-flash",
    "google_models_url": "must be an address of this machine, such as http://127.0.0.1:8127",
    "firestore_collection_prefix": "must be letters, digits, underscores and hyphens, a letter first",
    "pii_detector": "must name a module and a function in it, such as our.names:detector",
    "pii_salt_version": "must be 1 to 32 letters, digits, dots, dashes or underscores",
    "vertex_ai_location": "must be where the model is served, such as us-central1, europe-west4 or global",
}
# What is a JSON object, and of what.
_TOLD_AS_JSON = {
    "evaluation_labels": "must be a JSON object of names and failure types",
    "free_text_by_app": 'must be a JSON object of applications and "redact" or "withhold"',
    "model_prices": 'must be a JSON object of models and prices, {"gemini-x": {"input": 1.5, "output": 9}}',
    "model_budget_usd_by_app": "must be a JSON object of applications and dollars",
}
# Google's own convention: what runs in such a project is never real.
_EMULATED_PROJECT = "demo-evalforge"


class Backend(StrEnum):
    """What the ports run on."""

    CLOUD = "cloud"
    EMULATOR = "emulator"
    EMBEDDED = "embedded"


class Settings(BaseSettings):
    """Everything that can be set; `.env.example` explains each."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        case_sensitive=False,
    )

    evalforge_backend: Backend = Backend.EMBEDDED
    evalforge_store: Path = Path(".evalforge/evalforge.db")
    evalforge_workers: int = Field(default=1, ge=1, le=64)
    evalforge_log_level: str = Field(default="INFO", pattern="(?i)^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$")

    datadog_api_key: SecretStr | None = None
    datadog_app_key: SecretStr | None = None
    datadog_site: str = Field(
        default="datadoghq.com", pattern=r"^([a-z0-9]+\.)*(datadoghq\.(com|eu)|ddog-gov\.com)$"
    )
    datadog_webhook_token: SecretStr | None = None
    # What stands for Datadog's API on this machine; the keys must never go anywhere else.
    datadog_api_url: str | None = Field(default=None, pattern=r"^http://(127\.0\.0\.1|localhost):\d{1,5}$")
    poll_datadog: bool = True

    trace_lookback_hours: int = Field(default=24, ge=1, le=24 * 90)
    evaluation_delay_minutes: int = Field(default=120, ge=0, le=60 * 24 * 7)
    quality_threshold: float = Field(default=0.5, ge=0, le=1)
    toxicity_threshold: float = Field(default=0.7, ge=0, le=1)
    evaluation_labels: Annotated[dict[str, FailureType], NoDecode] = {}
    similarity_threshold: float | None = Field(default=None, gt=0, le=1)
    pii_salt: SecretStr | None = None
    pii_salt_version: str = Field(default="1", pattern=r"^[\w.-]{1,32}$")
    pii_detector: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    free_text: FreeText = FreeText.REDACT
    free_text_by_app: Annotated[dict[str, FreeText], NoDecode] = {}
    slack_webhook_url: SecretStr | None = None

    google_cloud_project: str | None = None
    firestore_database: str = "(default)"
    firestore_collection_prefix: str = Field(default="evalforge_", pattern="^[a-zA-Z][a-zA-Z0-9_-]{0,60}$")
    # Where this process is a function, its name; functions-framework's own variable.
    function_target: str | None = None
    firestore_emulator_host: str | None = None
    pubsub_emulator_host: str | None = None
    vertex_ai_location: str = Field(default="us-central1", pattern="^[a-z][a-z0-9-]{0,40}$")
    gemini_model: str = Field(
        default="gemini-3.5-flash", pattern=r"^[a-z0-9][a-z0-9@_-]*(\.[a-z0-9@_-]+)*$", max_length=80
    )
    # Unless told otherwise, a model is asked where this is deployed, and nowhere else.
    ask_model: bool | None = None
    # What stands for Google Cloud's models on this machine.
    google_models_url: str | None = Field(default=None, pattern=r"^http://127\.0\.0\.1:\d{1,5}$")
    model_prices: Annotated[dict[str, ModelPrice], NoDecode] = {
        "gemini-3.5-flash": ModelPrice(input=1.5, output=9.0)
    }
    model_budget_usd: Dollars = 10.0
    model_budget_usd_by_app: Annotated[dict[str, Dollars], NoDecode] = {}
    embedding_model: str = "gemini-embedding-001"

    @field_validator(*_TOLD_AS_JSON, mode="before")
    @classmethod
    def _is_json(cls, told: object, field: ValidationInfo) -> object:
        if not isinstance(told, str):
            return told
        try:
            read = json.loads(told)
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, dict):
            return read
        raise ValueError(_TOLD_AS_JSON[str(field.field_name)])

    @field_validator("datadog_webhook_token")
    @classmethod
    def _tokens_are_few(cls, told: SecretStr | None) -> SecretStr | None:
        if told is not None and not 1 <= len(_tokens(told)) <= MOST_WEBHOOK_TOKENS:
            raise ValueError("must be one token, or while it is changed two with a comma between them")
        return told

    @field_validator("pii_salt")
    @classmethod
    def _salt_is_long(cls, salt: SecretStr | None) -> SecretStr | None:
        if salt is not None and len(salt.get_secret_value()) < SHORTEST_SALT:
            raise ValueError(f"must have {SHORTEST_SALT} characters or more")
        return salt

    @model_validator(mode="wrap")
    @classmethod
    def _cloud_is_complete(cls, told: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401
        """Tell what the backend lacks beside every other fault."""
        unless_told = cls.model_fields["evalforge_backend"].get_default(call_default_factory=True)
        backend = told.get("evalforge_backend", unless_told)
        missing = [name for name in cls.needs(str(backend), told) if not told.get(name.lower())]
        faults = [_fault_of((), f"the {backend} backend also needs {', '.join(missing)}")] if missing else []
        try:
            settings = handler(told)
        except ValidationError as error:
            faults += [_retold(fault) for fault in error.errors(include_input=False)]
            settings = None
        if settings and settings.asks_model:
            faults += _faults_of_asking(settings)
        if settings is None or faults:
            raise ValidationError.from_exception_data(cls.__name__, faults, hide_input=True)
        return settings

    @classmethod
    def needs(cls, backend: str, told: Mapping[str, object]) -> tuple[str, ...]:  # noqa: ARG003 - for functions
        """Name what a backend cannot do without, for whoever only reads and sends messages."""
        return ("GOOGLE_CLOUD_PROJECT",) if backend == Backend.CLOUD else ()

    @property
    def webhook_tokens(self) -> tuple[str, ...]:
        """What a webhook may send to be heard: the token, or while it is changed the new and the old one."""
        return _tokens(self.datadog_webhook_token) if self.datadog_webhook_token else ()

    @property
    def asks_datadog(self) -> bool:
        """Say whether there are keys to ask Datadog with."""
        return self.datadog_api_key is not None and self.datadog_app_key is not None

    @property
    def asks_model(self) -> bool:
        """Say whether a model is asked for narratives."""
        return self.evalforge_backend is Backend.CLOUD if self.ask_model is None else self.ask_model

    @property
    def model_price(self) -> ModelPrice:
        """What the model costs that is asked."""
        return self.model_prices[self.gemini_model]

    @property
    def model_budgets(self) -> Budgets:
        """How much models may cost on a day."""
        return Budgets(usd_per_day=self.model_budget_usd, usd_per_day_by_app=self.model_budget_usd_by_app)

    @property
    def lacking_key(self) -> str:
        """Name the one key that is missing where the other is set."""
        keys = {"DATADOG_API_KEY": self.datadog_api_key, "DATADOG_APP_KEY": self.datadog_app_key}
        lacking = [name for name, key in keys.items() if key is None]
        return lacking[0] if len(lacking) == 1 else ""

    @property
    def evaluation_delay(self) -> timedelta:
        """How late an evaluation may come after its trace has started."""
        return timedelta(minutes=self.evaluation_delay_minutes)

    @property
    def lookback(self) -> timedelta:
        """How far before an alert failures are looked for."""
        return timedelta(hours=self.trace_lookback_hours)

    @property
    def project(self) -> str:
        """The Google Cloud project, or the one that stands for it on emulators."""
        return self.google_cloud_project or _EMULATED_PROJECT

    def tell_client_libraries(self) -> None:
        """Put the emulators' hosts where Google's libraries look for them: in the environment alone.

        Raises:
            ConfigError: they are not told, and nothing emulated may ever reach a real project.
        """
        if self.evalforge_backend is not Backend.EMULATOR:
            return
        for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
            host = getattr(self, name.lower())
            if not host:
                raise ConfigError(f"the emulator backend needs {name}; `evalforge serve` tells it")
            os.environ[name] = host  # noqa: TID251

    @property
    def free_text_policy(self) -> FreeTextPolicy:
        """What the settings say about free text."""
        return FreeTextPolicy(default=self.free_text, by_app=self.free_text_by_app)

    @property
    def signal_rules(self) -> SignalRules:
        """What the settings say about failure signals."""
        return SignalRules(
            quality_threshold=self.quality_threshold,
            toxicity_threshold=self.toxicity_threshold,
            labels=self.evaluation_labels,
        )


def _faults_of_asking(settings: Settings) -> list[InitErrorDetails]:
    """Tell what a model is not asked without."""
    faults = []
    if settings.gemini_model not in settings.model_prices:
        text = "has no price of the model that GEMINI_MODEL names: add one, in dollars a million tokens"
        faults.append(_fault_of("model_prices", text))
    # On the cloud nothing goes without it, and that is told already.
    nowhere = not (settings.google_cloud_project or settings.google_models_url)
    if nowhere and settings.evalforge_backend is not Backend.CLOUD:
        faults.append(_fault_of("ask_model", "also needs GOOGLE_CLOUD_PROJECT, in which the model is asked"))
    return faults


def _tokens(told: SecretStr) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, told.get_secret_value().split(","))))


def _where_this_runs() -> Backend:
    """Cloud Run, which runs deployed functions, sets K_SERVICE."""
    return Backend.CLOUD if "K_SERVICE" in os.environ else Backend.EMBEDDED  # noqa: TID251


class FunctionSettings(Settings):
    """The settings of a function, which is on the cloud where it is deployed; a laptop never is by itself."""

    evalforge_backend: Backend = Field(default_factory=_where_this_runs)

    @classmethod
    def needs(cls, backend: str, told: Mapping[str, object]) -> tuple[str, ...]:
        """Name the project and this function's own secrets; those of all where its name is not told."""
        if backend != Backend.CLOUD:
            return super().needs(backend, told)
        name = told.get("function_target")
        these = [one for one in FUNCTIONS if one.name == name] or FUNCTIONS
        secrets = {secret for one in these for secret in one.secrets} - OPTIONAL_SECRETS
        return (*super().needs(backend, told), *sorted(secrets))


def load_settings(kind: type[Settings] = Settings, **overrides: Any) -> Settings:  # noqa: ANN401 - any field
    """Read the settings from the environment and `.env`; overrides win.

    Raises:
        ConfigError: names every setting that is missing or wrong, never its value.
    """
    try:
        return kind(**overrides)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors(include_input=False, include_url=False)]
        raise ConfigError("settings: " + "; ".join(faults)) from None
    except UnicodeDecodeError:
        raise ConfigError("settings: the file .env is not UTF-8; save it as UTF-8") from None


def inherited_environment() -> dict[str, str]:
    """Return what a process that this one starts is given."""
    return dict(os.environ)  # noqa: TID251


def _retold(fault: Any) -> InitErrorDetails:  # noqa: ANN401 - pydantic's ErrorDetails
    return _fault_of(fault["loc"], _said(fault))


def _fault_of(field: str | tuple[int | str, ...], text: str) -> InitErrorDetails:
    loc = (field,) if isinstance(field, str) else field
    return InitErrorDetails(type=PydanticCustomError("value_error", text), loc=loc, input=None)


def _said(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """Say what a value must look like; a pattern says it to nobody."""
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    return (
        _LOOKS_LIKE.get(name, str(fault["msg"]))
        if fault["type"] == "string_pattern_mismatch"
        else str(fault["msg"])
    )


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    name = ".".join(str(part) for part in fault["loc"]).upper()
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
