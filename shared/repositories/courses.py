"""The courses of healthy runs, small beside their captures, and the control groups that they make."""

import threading

from pydantic import JsonValue

from shared.domain.captures import Capture
from shared.domain.courses import Course
from shared.domain.ids import document_id
from shared.domain.like_requests import ControlGroup
from shared.ports import Create, Delete, Document, Documents, Replace, Write
from shared.repositories.bodies import drops, pack, unpack
from shared.repositories.contrasts import Contrasts
from shared.topology import COURSES, COURSES_LATEST_FIRST

# Of several versions of an application, the latest runs.
_MOST = 400
_MOST_GROUPS = 16
_CONTENT = "content_hash"


class Courses:
    """One course for each healthy capture; a process reads a control group once for each generation."""

    def __init__(self, documents: Documents) -> None:
        """Use the `courses` collection."""
        self._documents = documents
        self._contrasts = Contrasts(documents)
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str], tuple[int, ControlGroup]] = {}

    def writes_of(self, capture: Capture) -> list[Write]:
        """Give the writes of a healthy capture's course, for the commit that stores the capture.

        None where its course is known: what a head says beside changes nothing.
        """
        name = document_id(capture.trace_id)
        known = self._documents.get(COURSES, name)
        if known and known.data.get(_CONTENT) == capture.content_hash:
            return []
        data: dict[str, JsonValue] = {
            "ml_app": capture.ml_app,
            "env": capture.env,
            "started_at": capture.started_at.isoformat(),
            _CONTENT: capture.content_hash,
            **pack(self._documents, COURSES, name, Course.of(capture)),
        }
        homes = {(capture.ml_app, capture.env)} | ({_home(known)} if known else set())
        noted = self._noted(homes)
        if known is None:
            return [Create(COURSES, name, data), *noted]
        dropped = drops(COURSES, name, known.data)
        return [Replace(COURSES, name, data, known.version), *dropped, *noted]

    def removal_of(self, trace_id: str) -> list[Write]:
        """Give the writes that remove a course, for the commit that removes its capture."""
        name = document_id(trace_id)
        known = self._documents.get(COURSES, name)
        if known is None:
            return []
        return [
            Delete(COURSES, name, known.version),
            *drops(COURSES, name, known.data),
            *self._noted({_home(known)}),
        ]

    def generation(self, ml_app: str, env: str) -> int | None:
        """Say which generation of a control group this is; None where there was never a healthy run."""
        return self._contrasts.generation(ml_app, env)

    def control_group(self, ml_app: str, env: str, generation: int | None) -> ControlGroup:
        """Read the latest healthy runs of an application, in a generation that has begun.

        What has changed since the last sweep may be missing: the sweep that is due will tell of it.
        """
        if generation is None:
            return ControlGroup(())
        with self._lock:
            known = self._read.get((ml_app, env))
            if known is None or known[0] < generation:
                known = generation, self._group(ml_app, env)
                if len(self._read) >= _MOST_GROUPS:
                    self._read.clear()
                self._read[ml_app, env] = known
        return known[1]

    def _noted(self, homes: set[tuple[str, str]]) -> list[Write]:
        """Note a change where a run belongs, and where it did: one that has grown may say so only now."""
        return [self._contrasts.changed(*home) for home in sorted(homes)]

    def _group(self, ml_app: str, env: str) -> ControlGroup:
        page = self._documents.query(COURSES_LATEST_FIRST, (ml_app, env), limit=_MOST)
        return ControlGroup([self._course(found) for found in page.documents])

    def _course(self, found: Document) -> Course:
        return Course.model_validate_json(unpack(self._documents, COURSES, found.id, found.data))


def _home(found: Document) -> tuple[str, str]:
    return str(found.data["ml_app"]), str(found.data["env"])
