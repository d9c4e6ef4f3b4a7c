"""What is kept of free text, application by application."""

from enum import StrEnum

from shared.domain.model import Model


class FreeText(StrEnum):
    """Redacted, or left out."""

    REDACT = "redact"
    WITHHOLD = "withhold"


class FreeTextPolicy(Model):
    """What is done with free text, unless an application's own entry says otherwise."""

    default: FreeText = FreeText.REDACT
    by_app: dict[str, FreeText] = {}

    def withholds(self, ml_app: str) -> bool:
        """Say whether an application's free text is left out."""
        return self.by_app.get(ml_app, self.default) is FreeText.WITHHOLD
