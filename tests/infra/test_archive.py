"""What Terraform uploads is whole: every function starts from it as deployed, and answers."""

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.extract.narrative.prompt import narrative_prompt
from functions.local.delivery import entry_points
from functions.local.emulator_note import EmulatorHosts, on_emulators
from functions.local.emulators import LOOPBACK, end_group, free_port
from shared import wiring
from shared.messages import (
    ArtifactsDrafted,
    CaptureStored,
    Message,
    PatternStored,
    SuggestionChanged,
    TraceFound,
)
from shared.pubsub_push import Pushed, encode_push
from shared.repositories.captures import Known
from shared.settings import Settings
from shared.topology import DEAD_LETTERS, FUNCTIONS, INCIDENTS, Function, Topic
from shared.wiring import Wiring, wire_cloud
from tests.conftest import ROOT
from tests.contract.google_models import GoogleModelsStandIn, serving_models
from tests.infra.archive import build_archive, environment_of, rule, source_files
from tests.unit.build import capture, root

SAMPLE = "functions/local/samples/shop_assistant.jsonl"
STARTING_SECONDS = 60
# Where no model answers; the deployed environment alone would ask Google's.
NOBODY = "http://127.0.0.1:9"
WEBHOOK = {
    "schema": "v1",
    "alert_id": "1",
    "cycle_key": "2",
    "transition": "Triggered",
    "title": "quality is low",
    "date_ms": "1763476800000",
}
_PROMPT = """
from functions.extract.narrative import prompt
print(prompt.narrative_prompt().hash, prompt.__file__.split("/functions/")[0])
"""
PUSH = {
    "message": {"data": base64.b64encode(b"{}").decode(), "messageId": "1", "attributes": {}},
    "subscription": "projects/p/subscriptions/x",
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, unpacked where nothing else is; stands for /workspace."""
    folder = tmp_path_factory.mktemp("workspace")
    path = tmp_path_factory.mktemp("upload") / "source.zip"
    build_archive(path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def programs(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds what the archive's requirements.txt names, and no more."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", unpacked / "requirements.txt"],
        check=True,
        timeout=420,
    )
    return folder / "bin"


def test_the_archive_holds_every_file_of_the_project_s_source(unpacked: Path) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("git, which knows the project's files, is not here")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "functions", "shared"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    of_the_project = {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}

    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}

    assert held == of_the_project | {"requirements.txt"}


def test_the_archive_holds_what_is_no_python_too(unpacked: Path) -> None:
    assert (unpacked / SAMPLE).read_bytes() == (ROOT / SAMPLE).read_bytes()
    assert (unpacked / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()


def test_the_archive_holds_every_entry_point() -> None:
    assert {function.source for function in FUNCTIONS} <= source_files()


def test_what_a_model_is_asked_with_is_in_the_archive(unpacked: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PROMPT],
        cwd=unpacked,
        env={"PATH": os.defpath, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == [narrative_prompt().hash, str(unpacked)]


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """A small project with all that is to be left out, at every depth."""
    root = tmp_path / "project"
    taken = ["functions/main.py", "functions/a/prompts/ask.txt", "shared/a/b.json", "requirements.txt"]
    left = ["functions/.env", "functions/a/.cache/kept.json", "functions/a/__pycache__/main.cpython-312.pyc"]
    more_left = ["shared/__pycache__/note.txt", "shared/old.pyc", "README.md", "tests/test_it.py", ".env"]
    for name in (*taken, *left, *more_left):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return root


def test_what_is_compiled_or_hidden_is_left_out(messy: Path) -> None:
    assert source_files(messy) == {
        "functions/main.py",
        "functions/a/prompts/ask.txt",
        "shared/a/b.json",
        "requirements.txt",
    }


@pytest.mark.needs("terraform")
@pytest.mark.parametrize("which", ["messy", "whole"])
def test_terraform_finds_the_same_files(which: str, messy: Path) -> None:
    if which == "whole":
        for folder in ("functions", "shared"):
            shutil.copytree(ROOT / folder, messy / folder, dirs_exist_ok=True)
    module = messy / "infra"
    module.mkdir()
    declared = {"locals": {"root": "${path.module}/..", "source_files": rule()}}
    (module / "main.tf.json").write_text(json.dumps(declared), encoding="utf-8")

    told = subprocess.run(
        ["terraform", "console"],
        input="jsonencode(local.source_files)",
        cwd=module,
        capture_output=True,
        text=True,
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        timeout=60,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    assert set(json.loads(json.loads(told.stdout))) == source_files(messy)


@contextmanager
def running(
    function: Function,
    project: str,
    *,
    unpacked: Path,
    programs: Path,
    hosts: EmulatorHosts,
    folder: Path,
    models: str = NOBODY,
) -> Iterator[httpx.Client]:
    """Start a function as Cloud Run does, on loopback, with nothing else in its environment."""
    port, log = free_port(), folder / "log"
    environment = environment_of(function, project, unpacked) | {
        "PATH": f"{programs}:{os.defpath}",
        "HOME": str(folder),
        "FIRESTORE_EMULATOR_HOST": hosts.firestore,
        "PUBSUB_EMULATOR_HOST": hosts.pubsub,
        "GOOGLE_MODELS_URL": models,
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                programs / "functions-framework",
                f"--source={function.source}",
                f"--host={LOOPBACK}",
                f"--port={port}",
            ],
            cwd=unpacked,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_up(port, process, log)
        with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", trust_env=False, timeout=60) as client:
            yield client
    except AssertionError as error:
        error.add_note(log.read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        end_group(process)
        # Reaped, so that no process is left that nobody waits for.
        process.wait()


def _wait_until_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the function did not start: {log.read_text(encoding='utf-8', errors='replace')}")


def _sent(client: httpx.Client, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    """Send as Datadog and Pub/Sub do: what is not answered in time is sent again."""
    for _ in range(5):
        answer = client.post("/", json=body, headers=headers)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
    return answer


def _stored(hosts: EmulatorHosts, project: str, collection: str) -> int:
    """Count what a collection on the emulator holds."""
    answer = httpx.get(
        f"http://{hosts.firestore}/v1/projects/{project}/databases/(default)/documents/evalforge_{collection}",
        headers={"Authorization": "Bearer owner"},
        trust_env=False,
        timeout=30,
    ).raise_for_status()
    return len(answer.json().get("documents", []))


@pytest.mark.needs("emulators")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_a_function_starts_from_the_archive_and_answers(
    function: Function, unpacked: Path, programs: Path, emulators: EmulatorHosts, tmp_path: Path
) -> None:
    project = f"demo-{secrets.token_hex(6)}"
    for topic in Topic:
        httpx.put(
            f"http://{emulators.pubsub}/v1/projects/{project}/topics/{topic.id}", trust_env=False, timeout=30
        ).raise_for_status()
    token = environment_of(function, project, unpacked).get("DATADOG_WEBHOOK_TOKEN", "")

    with running(
        function, project, unpacked=unpacked, programs=programs, hosts=emulators, folder=tmp_path
    ) as client:
        body = PUSH if function.topic else WEBHOOK
        answer = _sent(client, body, {"X-EvalForge-Token": token})
        assert answer.is_success, answer.text
        unknown = client.post("/", json=WEBHOOK, headers={"X-EvalForge-Token": "another"})

    if function.topic is None:
        assert unknown.status_code == 401
        assert _stored(emulators, project, INCIDENTS) == 1
    elif function.topic not in (Topic.RESENDS, Topic.CONTRASTS):
        # An empty object is no stage's message: it is kept, and Pub/Sub is done with it.
        assert _stored(emulators, project, DEAD_LETTERS) == 1


# What each stage is told of, in the order of the chain.
CHAIN: tuple[tuple[str, Callable[[Wiring], Message]], ...] = (
    ("sanitize", lambda parts: TraceFound(trace_id=only_capture(parts), stored=True)),
    ("extract", lambda parts: CaptureStored(trace_id=only_capture(parts))),
    ("deduplicate", lambda parts: PatternStored(trace_id=only_capture(parts))),
    ("generate", lambda parts: SuggestionChanged(suggestion_id=next(parts.suggestions.all()).id)),
    ("deliver", lambda parts: ArtifactsDrafted(suggestion_id=next(parts.suggestions.all()).id)),
)
# How one sees that a stage has done its work.
DONE: dict[str, Callable[[Wiring], bool]] = {
    "sanitize": lambda parts: parts.captures.count() == 1,
    "extract": lambda parts: parts.patterns.count() == 1,
    "deduplicate": lambda parts: len(list(parts.suggestions.all())) == 1,
    "generate": lambda parts: all(one.artifacts for one in parts.suggestions.all()),
    "deliver": lambda parts: len(list(parts.outbox.all())) == 1,
}


def only_capture(parts: Wiring) -> str:
    return next(parts.captures.heads()).trace_id


def pushed(message: Message) -> Pushed:
    return Pushed(message.model_dump_json().encode(), "1", {})


@pytest.mark.needs("emulators")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stage", [name for name, _ in CHAIN])
def test_a_stage_does_its_work_from_the_archive(  # noqa: PLR0917 - fixtures
    stage: str,
    unpacked: Path,
    programs: Path,
    emulators: EmulatorHosts,
    emulated_project: str,
    tmp_path: Path,
) -> None:
    settings = Settings(google_cloud_project=emulated_project, evalforge_store=tmp_path / "files.db")
    parts = wire_cloud(on_emulators(settings, emulators))
    for topic in Topic:
        url = f"http://{emulators.pubsub}/v1/projects/{emulated_project}/topics/{topic.id}"
        httpx.put(url, trust_env=False, timeout=30).raise_for_status()
    parts.captures.store(capture(root(status="error")), Known(None), at=parts.clock())
    at = [name for name, _ in CHAIN].index(stage)
    with wiring.use(parts):
        for name, message in CHAIN[:at]:
            topic = stage_topic(name)
            entry_points()[topic](encode_push(pushed(message(parts)), topic=topic))
    body = {
        "message": {"data": base64.b64encode(pushed(CHAIN[at][1](parts)).data).decode(), "messageId": "1"}
    }

    function = next(one for one in FUNCTIONS if one.name == stage)
    with (
        serving_models(GoogleModelsStandIn(project=emulated_project)) as google,
        running(
            function,
            emulated_project,
            unpacked=unpacked,
            programs=programs,
            hosts=emulators,
            folder=tmp_path,
            models=google.url,
        ) as client,
    ):
        answer = _sent(client, body | {"subscription": "projects/p/subscriptions/x"}, {})
        assert answer.is_success, answer.text
        assert DONE[stage](parts)
    assert google.faults == []
    assert len(google.asked) == (1 if function.asks_models else 0)
    assert parts.dead_letters.count() == 0


def stage_topic(name: str) -> Topic:
    topic = next(one.topic for one in FUNCTIONS if one.name == name)
    assert topic is not None
    return topic


@pytest.mark.needs("emulators")
@pytest.mark.timeout(600)
def test_a_function_that_is_given_no_path_to_the_archive_does_not_start(
    unpacked: Path, programs: Path, tmp_path: Path
) -> None:
    function = FUNCTIONS[0]
    environment = environment_of(function, "demo-none", unpacked) | {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
    }
    del environment["PYTHONPATH"]

    ended = subprocess.run(
        [programs / "functions-framework", f"--source={function.source}", f"--host={LOOPBACK}", "--port=0"],
        cwd=unpacked,
        env=environment,
        capture_output=True,
        text=True,
        timeout=STARTING_SECONDS,
        check=False,
    )

    assert ended.returncode != 0
    assert "ModuleNotFoundError: No module named 'functions'" in ended.stderr
