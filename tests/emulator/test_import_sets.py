"""No function loads what it does not use while it handles its first events."""

import base64
import json
from pathlib import Path

import pytest

from functions.local.emulator_note import EmulatorHosts
from shared.topology import FUNCTIONS, Function
from tests.conftest import ROOT
from tests.emulator.waiting_work import some, work_for
from tests.import_sets import LOADED_BY_EVENTS, SERVING, TRACE_FILES, loaded_by

# As functions-framework serves it, but in the process that is looked at.
_SERVE = """
import base64, json, sys
from functions_framework import create_app
client = create_app(sys.argv[2], sys.argv[3]).test_client()
for body in json.loads(sys.argv[4]):
    answer = client.post("/", data=base64.b64decode(body), headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 202), answer.get_data()
"""


@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_a_function_loads_no_more_than_its_events_need(
    function: Function, emulators: EmulatorHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulators.firestore)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulators.pubsub)
    work = work_for(function, emulators, tmp_path)
    bodies = json.dumps([base64.b64encode(body).decode() for body in some(work.bodies, 2)])

    loaded = loaded_by(_SERVE, work.environment, function.name, str(ROOT / function.source), bodies)

    searched = TRACE_FILES if function.name in {"find_failures", "sanitize"} else frozenset[str]()
    assert loaded == SERVING | LOADED_BY_EVENTS[function.name] | searched
