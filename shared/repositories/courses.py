"""The courses of healthy runs, small beside their captures, and the control groups that they make."""

import threading

from pydantic import JsonValue

from shared.domain.captures import Capture
from shared.domain.courses import Course
from shared.domain.ids import document_id
from shared.domain.like_requests import ControlGroup
from shared.ports import Create, Delete, Document, Documents, Replace, Write
from shared.repositories.bodies import pack, unpack
from shared.repositories.contrasts import Contrasts
from shared.topology import COURSES, COURSES_LATEST_FIRST

# Of several versions of an application, the latest runs.
_MOST = 400
_MOST_GROUPS = 16


class Courses:
    """One course for each healthy capture; a process reads a control group once for each generation."""

    def __init__(self, documents: Documents) -> None:
        """Use the `courses` collection."""
        self._documents = documents
        self._contrasts = Contrasts(documents)
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str], tuple[int, ControlGroup]] = {}

    def writes_of(self, capture: Capture) -> list[Write]:
        """Give the write of a healthy capture's course, for the commit that stores the capture."""
        course, name = Course.of(capture), document_id(capture.trace_id)
        data: dict[str, JsonValue] = {
            "ml_app": capture.ml_app,
            "env": capture.env,
            "started_at": capture.started_at.isoformat(),
            **pack(self._documents, COURSES, name, course),
        }
        known = self._documents.get(COURSES, name)
        return [Replace(COURSES, name, data, known.version) if known else Create(COURSES, name, data)]

    def removal_of(self, trace_id: str) -> Write:
        """Give the write that removes a course, for the commit that removes its capture."""
        return Delete(COURSES, document_id(trace_id))

    def control_group(self, ml_app: str, env: str) -> ControlGroup:
        """Read the latest healthy runs of an application.

        What has changed since the last sweep may be missing: the sweep that is due will tell of it.
        """
        generation = self._contrasts.generation(ml_app, env)
        if generation is None:
            return ControlGroup(())
        with self._lock:
            known = self._read.get((ml_app, env))
            if known is None or known[0] != generation:
                known = generation, self._group(ml_app, env)
                if len(self._read) >= _MOST_GROUPS:
                    self._read.clear()
                self._read[ml_app, env] = known
        return known[1]

    def _group(self, ml_app: str, env: str) -> ControlGroup:
        page = self._documents.query(COURSES_LATEST_FIRST, (ml_app, env), limit=_MOST)
        return ControlGroup([self._course(found) for found in page.documents])

    def _course(self, found: Document) -> Course:
        return Course.model_validate_json(unpack(self._documents, COURSES, found.id, found.data))
