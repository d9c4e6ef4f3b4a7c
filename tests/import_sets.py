"""What each deployed function may load, and a fresh process that says what it has loaded."""

import json
import subprocess
import sys
from collections.abc import Mapping

from shared.topology import OPTIONAL_SECRETS, Function
from tests.pipeline.command import environment

# What takes time or memory to import, and our own parts that deployed functions do without.
HEAVY = frozenset(
    {
        "click",
        "datadog_api_client",
        "flask",
        "functions.cli",
        "functions.local",
        "google.cloud.aiplatform",
        "google.cloud.firestore",
        "google.cloud.pubsub_v1",
        "google.cloud.storage",
        "google.genai",
        "grpc",
        "httpx",
        "hypothesis",
        "jsonschema_rs",
        "numpy",
        "psutil",
        "pydantic",
        "pytest",
        "rich",
        "shared.embedded.database",
        "shared.embedded.embedder",
        "shared.embedded.queue",
        "shared.slack",
        "sqlite3",
        "vertexai",
    }
)
# Every function keeps documents, and is served by functions-framework, which brings click and flask.
SERVING = frozenset({"click", "flask", "google.cloud.firestore", "grpc", "pydantic"})
PUBLISHING = frozenset({"google.cloud.pubsub_v1"})
EMBEDDING = frozenset({"numpy", "shared.embedded.embedder"})
# httpx has a command line of its own, which brings rich.
POSTING = frozenset({"httpx", "rich", "shared.slack"})
# Google's library for models brings an HTTP client, which brings rich.
ASKING = frozenset({"google.genai", "httpx", "rich"})
# Deployed functions search no trace files; those on the emulators have nothing else to search.
TRACE_FILES = frozenset({"shared.embedded.database", "sqlite3"})

# What a function's first events load beside what it starts with.
LOADED_BY_EVENTS: dict[str, frozenset[str]] = {
    "receive_alert": PUBLISHING,
    "find_failures": PUBLISHING,
    "sanitize": PUBLISHING,
    "extract": PUBLISHING,
    "deduplicate": PUBLISHING | EMBEDDING,
    "generate": PUBLISHING,
    "deliver": frozenset(),
    "bury": frozenset(),
    "resend": PUBLISHING,
    "recontrast": PUBLISHING,
}

_TELL = """
import json, sys
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]))
"""


def loaded_by(code: str, variables: Mapping[str, str], *arguments: str) -> frozenset[str]:
    """Run code in a fresh process, and say what it has loaded of what is heavy."""
    ran = subprocess.run(
        [sys.executable, "-c", code + _TELL, json.dumps(sorted(HEAVY)), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(**variables),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return frozenset(json.loads(ran.stdout.splitlines()[-1]))


def deployed(function: Function) -> dict[str, str]:
    """Set what a deployed function finds in its environment; its secrets are made up."""
    return {
        "K_SERVICE": function.id,
        "FUNCTION_TARGET": function.name,
        "EVALFORGE_BACKEND": "cloud",
        "GOOGLE_CLOUD_PROJECT": "demo-made-up",
        **{name: f"made up, and as long as a salt: {name}" for name in function.secrets},
    } | dict.fromkeys(OPTIONAL_SECRETS, "")


def starting(function: Function) -> str:
    """Spell what a function does before its first event: import its entry point, make its parts."""
    return f"import functions.{function.name}.main\nfrom shared import wiring\nwiring.current()\n"
