"""The whole of it on one machine as on Google Cloud: emulators, topology, functions, schedule."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from functions.local.datadog.asking import variables
from functions.local.emulated_topology import make_topology
from functions.local.emulator_note import (
    EmulatorHosts,
    Running,
    note_of,
    on_emulators,
    refuse_a_second,
    write_note,
)
from functions.local.emulators import running_emulators
from functions.local.function_processes import function_processes, ports_for
from functions.local.host import free_webhook_port
from functions.local.ticking import ticking, ticks_of
from shared.settings import Settings, inherited_environment
from shared.wiring import Wiring, wire_cloud


class Emulation(NamedTuple):
    """What runs, and the parts to work with it."""

    parts: Wiring
    hosts: EmulatorHosts
    functions: Callable[[], dict[str, Running]]

    @property
    def webhook(self) -> str:
        """Where alerts are posted to."""
        return self.functions()["receive_alert"].url + "/receive_alert"


@contextmanager
def emulating(settings: Settings, *, port: int = 0) -> Iterator[Emulation]:
    """Run emulators, topology and functions, and note beside the store where they are, until left.

    Emulators that the settings name are used as they are; the others are started.
    """
    refuse_a_second(settings.evalforge_store)
    webhook_port = free_webhook_port(port) if port else 0
    folder = settings.evalforge_store.resolve().parent
    with ExitStack() as stack:
        hosts = stack.enter_context(
            running_emulators(
                folder / "emulators",
                firestore=settings.firestore_emulator_host,
                pubsub=settings.pubsub_emulator_host,
            )
        )
        emulated = on_emulators(settings, hosts)
        parts = wire_cloud(emulated)
        ports = ports_for(webhook_port)
        make_topology(emulated.project, {name: f"http://127.0.0.1:{at}/" for name, at in ports.items()})
        note = note_of(settings.evalforge_store)
        stack.callback(note.unlink, missing_ok=True)

        def keep_note() -> None:
            write_note(note, hosts, emulated, processes.running())

        processes = stack.enter_context(function_processes(_environment(emulated), ports, keep_note))
        keep_note()
        stack.enter_context(ticking(parts.publisher, ticks_of(settings)))
        yield Emulation(parts, hosts, processes.running)


def _environment(settings: Settings) -> dict[str, str]:
    """Give the functions what this process was given, and where the emulators and Datadog's stand-in are."""
    return {
        **inherited_environment(),
        **variables(settings),
        "EVALFORGE_BACKEND": settings.evalforge_backend.value,
        "EVALFORGE_STORE": str(settings.evalforge_store),
        "FIRESTORE_EMULATOR_HOST": str(settings.firestore_emulator_host),
        "PUBSUB_EMULATOR_HOST": str(settings.pubsub_emulator_host),
        "GOOGLE_CLOUD_PROJECT": settings.project,
    }
