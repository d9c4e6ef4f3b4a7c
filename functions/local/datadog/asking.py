"""How settings lead to the stand-in: to its address, and with keys that are good for nothing else."""

from pydantic import SecretStr

from shared.settings import Settings

# As keys are: letters and digits alone.
KEY = "standin"


def asking(settings: Settings, url: str) -> Settings:
    """Let settings ask the stand-in in Datadog's place; keys of one's own stay out of its reach."""
    return settings.model_copy(
        update={
            "datadog_api_url": url,
            "datadog_api_key": SecretStr(KEY),
            "datadog_app_key": SecretStr(KEY),
        }
    )


def stand_in_of(settings: Settings) -> str | None:
    """Say where the stand-in is that settings ask; None where they ask something else, or nothing."""
    key = settings.datadog_api_key
    return settings.datadog_api_url if key is not None and key.get_secret_value() == KEY else None


def variables(settings: Settings) -> dict[str, str]:
    """Spell how another process finds the stand-in that settings ask, if they do."""
    url = stand_in_of(settings)
    return {"DATADOG_API_URL": url, "DATADOG_API_KEY": KEY, "DATADOG_APP_KEY": KEY} if url else {}
