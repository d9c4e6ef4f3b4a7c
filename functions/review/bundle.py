"""A bundle of artifacts as files: one JSON each, and a manifest that says what they are."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from shared.domain.artifacts import Artifact, ArtifactKind, ArtifactRef, DraftStatus, Proof
from shared.domain.model import Model
from shared.domain.suggestions import ApprovedImprovement
from shared.errors import EvalForgeError, LeakError, NotFoundError
from shared.redaction.leaving import leaks_in
from shared.repositories.artifacts import Artifacts
from shared.repositories.suggestions import Suggestions

MANIFEST_VERSION = "1"
Chosen = tuple[str, ArtifactKind, ArtifactRef]


class ManifestEntry(Model):
    """One file of a bundle and where it comes from."""

    file: str
    sha256: str
    artifact_id: str
    suggestion_id: str
    kind: ArtifactKind
    status: DraftStatus
    proof: Proof
    source_trace_id: str


class Manifest(Model):
    """What a bundle holds."""

    version: str
    format: str
    entries: tuple[ManifestEntry, ...]


class ExportError(EvalForgeError):
    """The bundle cannot be written where it was asked for."""


def chosen_artifacts(
    suggestion_ids: Sequence[str], suggestions: Suggestions, artifacts: Artifacts
) -> list[Artifact]:
    """Read the current artifacts of the named suggestions, or the approved revisions where none is named."""
    if suggestion_ids:
        wanted = [ref for one in dict.fromkeys(suggestion_ids) for ref in _current(one, suggestions)]
    else:
        wanted = [ref for approved in suggestions.approved() for ref in _approved(approved)]
    found = [artifacts.get(*ref) for ref in wanted]
    return [artifact for artifact in found if artifact]


def write_bundle(chosen: Sequence[Artifact], out: Path, *, file_format: str) -> Path:
    """Write every artifact and, last, the manifest; returns the manifest's path.

    Raises:
        LeakError: an artifact holds personal data or a secret; nothing was written.
        ExportError: the folder cannot be written.
    """
    for artifact in chosen:
        _check(artifact)
    entries = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for artifact in chosen:
            spelled = artifact.model_dump_json(indent=2).encode() + b"\n"
            name = f"{artifact.id}.json"
            (out / name).write_bytes(spelled)
            entries.append(_entry(artifact, name, sha256(spelled).hexdigest()))
        manifest = Manifest(version=MANIFEST_VERSION, format=file_format, entries=tuple(entries))
        path = out / "manifest.json"
        path.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error.strerror}") from error
    return path


def _current(suggestion_id: str, suggestions: Suggestions) -> list[Chosen]:
    known = suggestions.get(suggestion_id)
    if known is None:
        raise NotFoundError(
            f"there is no suggestion {suggestion_id}; `evalforge list suggestions` shows them"
        )
    return [(suggestion_id, kind, ref) for kind, ref in sorted(known.suggestion.artifacts.items())]


def _approved(approved: ApprovedImprovement) -> list[Chosen]:
    return [(approved.suggestion_id, kind, ref) for kind, ref in sorted(approved.artifacts.items())]


def _check(artifact: Artifact) -> None:
    if found := leaks_in(artifact.content, artifact.issued_ids):
        raise LeakError(
            f"{artifact.id} holds what must not leave: {', '.join(sorted(found))}; nothing was written"
        )


def _entry(artifact: Artifact, name: str, hashed: str) -> ManifestEntry:
    return ManifestEntry(
        file=name,
        sha256=hashed,
        artifact_id=artifact.id,
        suggestion_id=artifact.suggestion_id,
        kind=artifact.kind,
        status=artifact.status,
        proof=artifact.proof,
        source_trace_id=artifact.source_trace_id,
    )
