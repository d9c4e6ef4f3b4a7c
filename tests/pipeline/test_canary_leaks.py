"""Of five hundred planted values none is seen anywhere: store, queue, logs, embedder, artifacts, exports."""

import base64
import json
import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.local.delivery import Delivery, entry_points
from functions.local.demo import alert_payload
from functions.local.host import hosting, queue_of
from functions.local.trace_run import order_backfill
from shared import wiring
from shared.embedded.embedder import HashingEmbedder
from shared.settings import Settings
from shared.wiring import Wiring, wire_embedded
from tests.pipeline.canaries import Canary, canaries, spans_with
from tests.pipeline.command import evalforge
from tests.pipeline.test_nothing_raw_rests import everything_at_rest


def leaked(told: Iterable[Canary], *texts: str) -> set[str]:
    """Say which values stand in a text, as they are or as JSON spells them."""
    whole = "\n".join(texts)
    return {one.text for one in told if one.value in whole or json.dumps(one.value)[1:-1] in whole}


def chunks_unpacked(store: Path) -> str:
    """Unpack what is packed in chunks of its own, in the order of their names."""
    connection = sqlite3.connect(store)
    pieces: dict[str, str] = {}
    for row in connection.execute("SELECT * FROM documents"):
        document: dict[str, str] = next(
            (json.loads(cell) for cell in row if isinstance(cell, str) and cell.startswith("{")), {}
        )
        name = next((cell for cell in row if isinstance(cell, str) and "-0" in cell), "")
        if set(document) == {"body"}:
            pieces.setdefault(name.rsplit("-", 1)[0], "")
            pieces[name.rsplit("-", 1)[0]] += document["body"]
    connection.close()
    return "\n".join(zlib.decompress(base64.b64decode(piece)).decode() for piece in pieces.values() if piece)


def test_no_planted_value_is_seen_after_a_full_run(tmp_path: Path) -> None:
    told = canaries()
    assert len(told) == 500
    assert len({one.value for one in told}) == 500
    path, store = tmp_path / "planted.jsonl", tmp_path / "store.db"
    lines = [json.dumps(span) for span in spans_with(told)]
    # Some fail on purpose: cut lines, spans that lack what they need, a trace too deep to read.
    broken = [line[: len(line) * 2 // 3] for line in lines[::9]]
    nameless = [json.dumps({**json.loads(line), "trace_id": None}) for line in lines[::11]]
    unreadable = [json.dumps({**json.loads(line), "start_ns": told[3].text}) for line in lines[::13]]
    path.write_text("\n".join([*lines, *broken, *nameless, *unreadable]))

    ended = evalforge("run", path, "--json", "--store", store, EVALFORGE_LOG_LEVEL="DEBUG")

    assert ended.json["captures"] >= 480
    assert leaked(told, ended.out, ended.err, everything_at_rest(store), chunks_unpacked(store)) == set()
    assert _exported(tmp_path, store, told) > 0


def test_the_embedder_is_given_no_planted_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = canaries()
    path = tmp_path / "planted.jsonl"
    path.write_text("\n".join(json.dumps(span) for span in spans_with(told)))
    given: list[str] = []
    embed = HashingEmbedder.embed

    def recording(self: HashingEmbedder, texts: Any) -> Any:
        given.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(HashingEmbedder, "embed", recording)
    parts = wire_embedded(Settings(evalforge_store=tmp_path / "store.db"))
    order_backfill(path, parts)
    with wiring.use(parts):
        Delivery(queue_of(parts), entry_points()).drain()

    assert len(given) > 3
    assert leaked(told, *given) == set()


def test_no_planted_value_of_an_alert_is_seen(parts: Wiring, capfd: pytest.CaptureFixture[str]) -> None:
    told = [one for one in canaries() if not one.key]
    fields = [name for name in alert_payload() if name not in ("alert_id", "cycle_key", "event_id", "org_id")]
    with hosting(parts) as address:
        for number, one in enumerate(told[::3]):
            field = fields[number % len(fields)]
            payload = {**alert_payload(), "cycle_key": f"c-{number}", "event_id": f"e-{number}"}
            payload[field] = f"{payload[field]} {one.text}"
            answer = httpx.post(
                f"{address}/receive_alert", json=payload, headers={"traceparent": one.text[:40].strip()}
            )
            assert answer.status_code < 500
            assert leaked(told, answer.text) == set()
    said = capfd.readouterr()

    assert leaked(told, everything_at_rest(parts.settings.evalforge_store), said.out, said.err) == set()


def _exported(folder: Path, store: Path, told: list[Canary]) -> int:
    """Approve and export everything, look at every byte, and count the files."""
    listed = evalforge("list", "suggestions", "--json", "--store", store)
    ids = [one["id"] for one in listed.json]
    for one in ids[:20]:
        assert evalforge("approve", one, "--store", store).code == 0
    ended = evalforge("export", "--approved", "--format", "json", "--out", folder / "out", "--store", store)
    assert ended.code == 0, ended.err
    files = [file.read_text() for file in (folder / "out").rglob("*") if file.is_file()]
    assert leaked(told, listed.out, ended.out, ended.err, *files) == set()
    return len(files)
