"""The last look at what leaves: artifacts, notices, exports."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import TypeAdapter

from shared.domain.artifacts import ArtifactContent
from shared.domain.conversation import leaf_texts
from shared.redaction.findings import findings
from shared.redaction.redactor import redact_text
from shared.redaction.surrogates import rendered

_CONTENT: TypeAdapter[ArtifactContent] = TypeAdapter(ArtifactContent)


def leaks_in(content: ArtifactContent, issued_ids: Collection[str]) -> dict[str, int]:
    """Count what an artifact holds that must not leave, by kind, but for ids that we put there ourselves."""
    return findings(leaf_texts(content.model_dump(mode="json")), issued_ids)


def made_safe(content: ArtifactContent, issued_ids: Collection[str]) -> ArtifactContent:
    """Redact what grew together only in the artifact: two harmless texts can be one that is not."""
    if not leaks_in(content, issued_ids):
        return content
    return _CONTENT.validate_python(_redacted(content.model_dump(mode="json"), issued_ids))


def with_surrogates(
    content: ArtifactContent, surrogates: Mapping[str, str], issued_ids: Collection[str]
) -> ArtifactContent:
    """Render a content with surrogates, the same ones throughout; as it is, where it could not leave then."""
    told = _CONTENT.validate_python(rendered(content.model_dump(mode="json"), surrogates))
    return content if leaks_in(told, (*issued_ids, *surrogates.values())) else told


def _redacted(value: Any, issued_ids: Collection[str]) -> Any:  # noqa: ANN401 - JSON in, JSON out
    match value:
        case str():
            return redact_text(value) if findings([value], issued_ids) else value
        case dict():
            return {key: _redacted(inner, issued_ids) for key, inner in value.items()}
        case list():
            return [_redacted(inner, issued_ids) for inner in value]
        case _:
            return value
