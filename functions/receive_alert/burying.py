"""A body that is no alert, kept where people see it: redacted, with its reason."""

from shared.domain.canonical import digest
from shared.domain.dead_letters import DeadLetter
from shared.errors import EvalForgeError, MessageError
from shared.logs import describe
from shared.ports import Clock
from shared.redaction.findings import findings
from shared.redaction.redactor import redact_text
from shared.repositories.dead_letters import DeadLetters

_LONGEST_TEXT = 16 * 1024


def bury_body(body: bytes, error: Exception, *, dead_letters: DeadLetters, clock: Clock) -> DeadLetter:
    """Keep what could not be read; the same body is one dead letter, however often it is sent."""
    text = body.decode("utf-8", "replace")
    reason = error if isinstance(error, EvalForgeError) else MessageError(_unforeseen(error))
    return dead_letters.record(
        stage="receive_alert",
        error=reason,
        message={"body_sha256": digest(text)},
        text=safe_text(text),
        at=clock(),
    )


def safe_text(text: str) -> str:
    """Redact a text and then cut it; where anything is still found in what is left, none of it is kept."""
    try:
        kept = redact_text(text)[:_LONGEST_TEXT]
        return "" if findings([kept]) else kept
    except Exception:  # noqa: BLE001 - the reason is kept, whatever is wrong with the text
        return ""


def _unforeseen(error: Exception) -> str:
    return f"the alert cannot be read ({describe(error)}); set its payload as the README says"
