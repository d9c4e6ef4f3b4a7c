"""Of five hundred planted values none is seen anywhere, whatever fails: store, messages, logs, exports."""

import json
import logging
import random
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.local.delivery import Delivery, entry_points
from functions.local.demo import alert_payload
from functions.local.host import hosting
from functions.local.trace_run import order_backfill
from functions.review.decisions import approve
from shared import logs, runtime, wiring
from shared.embedded.embedder import HashingEmbedder
from shared.embedded.queue import SqliteQueue
from shared.settings import Settings
from shared.topology import RetryPolicy
from shared.wiring import Wiring, wire_embedded
from tests.pipeline.at_rest import all_of, documents_in, is_chunked
from tests.pipeline.canaries import Canary, canaries, spans_with
from tests.pipeline.command import evalforge
from tests.pipeline.end_state import open_store
from tests.pipeline.narrating import Telling, asking

# These fail for good on one message of so many, the last on all; the others on each message's first delivery.
_ONE_OF = 9
_FOR_GOOD = frozenset({"sanitize", "extract", "deliver"})
_STAGES = frozenset({"find_failures", "sanitize", "extract", "deduplicate", "generate", "deliver"})
_ALERT_IDS = ("alert_id", "cycle_key", "event_id", "org_id")


def planted() -> list[Canary]:
    """Draw the values; of those that only keys tell some make room for further structured types."""
    drawn = random.Random(500)
    further: list[Canary] = []
    for number in range(8):
        latitude, longitude = f"{drawn.uniform(10, 80):.6f}", f"{drawn.uniform(10, 170):.6f}"
        cpf, pesel = _checked(drawn, "cpf"), _checked(drawn, "pesel")
        born = f"19{drawn.randint(40, 99)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
        passport = f"C{drawn.randint(10**7, 10**8 - 1)}"
        street, at_home = (f"{drawn.randint(100, 999)} {name} Road" for name in ("Quillfeather", "Marrowby"))
        further += [
            Canary(f"{latitude}, {longitude}", f"the van stands at {latitude}, {longitude} now"),
            Canary(longitude[:-1] + "7", longitude[:-1] + "7", "longitude"),
            Canary(cpf, f"my CPF is {cpf}"),
            Canary(pesel, f"PESEL: {pesel}"),
            Canary(f"{born}{number}"[:10], f"my date of birth is {born}"),
            Canary(passport, f"passport number {passport}"),
            Canary(street, street, "shipping_address"),
            Canary(at_home, f"I live at {at_home}, Springfield, OH 4501{number}, since May"),
        ]
    distinct = list({one.value: one for one in further}.values())
    told = canaries()
    return [*told[: len(told) - len(distinct)], *distinct]


def _checked(drawn: random.Random, system: str) -> str:
    """Draw a Brazilian or a Polish number with its check digits."""
    if system == "pesel":
        digits = [drawn.randint(0, 9) for _ in range(10)]
        digits[2:6] = [0, drawn.randint(1, 9), 1, drawn.randint(0, 9)]
        weighed = sum(one * weight for one, weight in zip(digits, (1, 3, 7, 9) * 3, strict=False))
        return "".join(map(str, [*digits, -weighed % 10]))
    digits = [drawn.randint(0, 9) for _ in range(9)]
    for _ in range(2):
        rest = (
            sum(one * weight for one, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True)) % 11
        )
        digits.append(0 if rest < 2 else 11 - rest)
    spelled = "".join(map(str, digits))
    return f"{spelled[:3]}.{spelled[3:6]}.{spelled[6:9]}-{spelled[9:]}"


def large_trace(told: Iterable[Canary]) -> Iterator[dict[str, Any]]:
    """Plant all values in one trace that is stored in chunks."""
    drawn = random.Random(3)
    words = ["".join(drawn.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(130_000)]
    fill = " ".join(words)
    for number, span in enumerate(spans_with(list(told))):
        yield span | {"trace_id": "large", "span_id": str(number)}
    span = next(spans_with([Canary("x", "x")]))
    yield span | {"trace_id": "large", "span_id": "fill", "input": {"value": fill}}


def leaked(told: Iterable[Canary], *texts: str) -> set[str]:
    """Say which values stand in a text, as they are or as JSON spells them."""
    whole = "\n".join(texts)
    return {one.text for one in told if one.value in whole or json.dumps(one.value)[1:-1] in whole}


def lines_with(told: list[Canary]) -> list[str]:
    """Spell a file that carries every value, in whole traces and in ones that cannot be read."""
    lines = [json.dumps(span) for span in spans_with(told)]
    cut = [line[: len(line) * 2 // 3] for line in lines[::9]]
    nameless = [json.dumps({**json.loads(line), "trace_id": None}) for line in lines[::11]]
    wrong = [
        json.dumps({**json.loads(line), "start_ns": one.text}) for line, one in zip(lines, told, strict=True)
    ]
    foreign = [json.dumps([one.text]) for one in told[::13]] + [one.text for one in told[::17]]
    return [*lines, *cut, *nameless, *wrong[::5], *foreign]


def test_the_planted_values_are_five_hundred_of_every_kind() -> None:
    told = planted()

    assert len(told) == len({one.value for one in told}) == 500
    assert all(one.value in one.text for one in told)
    assert sum(1 for one in told if one.key) > 50


def test_no_planted_value_is_seen_after_a_full_run(tmp_path: Path) -> None:
    told = planted()
    path, store = tmp_path / "planted.jsonl", tmp_path / "store.db"
    path.write_text("\n".join([*lines_with(told), *map(json.dumps, large_trace(told))]))

    ended = evalforge("run", path, "--json", "--store", store, EVALFORGE_LOG_LEVEL="DEBUG")

    assert ended.json["captures"] >= 480
    assert is_chunked(documents_in(store))
    assert leaked(told, ended.out, ended.err, all_of(store)) == set()
    assert exported(tmp_path, told, open_store(store), "--store", store) > 3


def test_no_planted_value_is_seen_where_every_stage_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told = planted()
    path, store = tmp_path / "planted.jsonl", tmp_path / "store.db"
    path.write_text("\n".join(lines_with(told)))
    published, embedded = _recording(monkeypatch)
    broken = _breaking(monkeypatch, " ".join(one.text for one in told))
    monkeypatch.setattr(logging.getLogger("evalforge"), "level", 0)
    logs.configure("DEBUG")
    model = Telling()
    parts = asking(wire_embedded(Settings(evalforge_store=store)), model)
    hasty = RetryPolicy(first_wait=0.001, longest_wait=0.002, attempts=3)
    order_backfill(path, parts)
    with wiring.use(parts):
        database = parts.documents._database  # type: ignore[attr-defined]
        Delivery(SqliteQueue(database, retries=hasty), entry_points()).drain()
    said = capfd.readouterr()

    assert set(broken) == _STAGES
    assert {one.stage for one in parts.dead_letters.all()} >= _FOR_GOOD
    assert parts.captures.count() > 300
    assert "StageFailedError" in said.err
    assert len(published) > 1000
    assert len(embedded) > 3
    prompts = [request.instruction + request.content for request in model.asked]
    assert len(prompts) > 3
    assert leaked(told, *published, *embedded, *prompts, said.out, said.err, all_of(store)) == set()


def test_no_planted_value_of_an_alert_is_seen(parts: Wiring, capfd: pytest.CaptureFixture[str]) -> None:
    told = planted()
    with hosting(parts) as address:
        answers = [
            httpx.post(f"{address}/receive_alert", content=body, headers={"traceparent": header})
            for body, header in alerts_with(told)
        ]
    said = capfd.readouterr()

    assert {answer.status_code for answer in answers} == {200, 202}
    assert len({one.id for one in parts.dead_letters.all()}) > 10
    assert leaked(told, *(answer.text for answer in answers), said.out, said.err) == set()
    assert leaked(told, all_of(parts.settings.evalforge_store)) == set()


def alerts_with(told: list[Canary]) -> Iterator[tuple[str, str]]:
    """Plant each value in one field of an alert after the other; every ninth comes in a body that is none."""
    fields = [name for name in alert_payload() if name not in _ALERT_IDS]
    for number, one in enumerate(told):
        text = json.dumps({one.key: one.value}) if one.key else one.text
        payload = {**alert_payload(), "cycle_key": f"c-{number}", "event_id": f"e-{number}"}
        payload[fields[number % len(fields)]] += f" {text}"
        spelled = json.dumps(payload)
        yield (
            spelled[:-9] if number % 9 == 0 else spelled,
            one.text.encode("ascii", "replace").decode()[:40].strip(),
        )


def _recording(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    """Keep what is published and what the embedder is given."""
    published: list[str] = []
    embedded: list[str] = []
    publish, embed = SqliteQueue.publish, HashingEmbedder.embed

    def publishing(self: SqliteQueue, outgoing: Any, *, trace_context: str = "") -> int:
        told = list(outgoing)
        published.extend(one.message.model_dump_json() + trace_context for one in told)
        return publish(self, told, trace_context=trace_context)

    def embedding(self: HashingEmbedder, texts: Any) -> Any:
        embedded.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(SqliteQueue, "publish", publishing)
    monkeypatch.setattr(HashingEmbedder, "embed", embedding)
    return published, embedded


def _breaking(monkeypatch: pytest.MonkeyPatch, values: str) -> Counter[str]:
    """Let each stage fail on some messages, after its work and with an error that repeats the values."""
    handle, broken = runtime.handle_in_pages, Counter[str]()
    tried: set[tuple[str, str]] = set()

    def breaking(event: Any, message_type: Any, run: Any, *, stage: str, parts: Any) -> None:
        def running(message: Any) -> Any:
            pages = [list(page) for page in run(message)]
            spelled = message.model_dump_json()
            if stage in _FOR_GOOD:
                fails = stage == "deliver" or zlib.crc32(spelled.encode()) % _ONE_OF == 0
            else:
                fails = (stage, spelled) not in tried
            tried.add((stage, spelled))
            if fails:
                broken[stage] += 1
                raise ValueError(f"cannot take {values}") from KeyError(values)
            return pages

        handle(event, message_type, running, stage=stage, parts=parts)

    monkeypatch.setattr(runtime, "handle_in_pages", breaking)
    return broken


def exported(folder: Path, told: list[Canary], parts: Wiring, *where: str | Path) -> int:
    """Approve and export everything, look at every byte, and count the files."""
    listed = evalforge("list", "suggestions", "--json", *where)
    for one in listed.json:
        approve(one["id"], actor="me", note="", at=parts.clock(), suggestions=parts.suggestions)
    ended = evalforge("export", "--approved", "--format", "json", "--out", folder / "out", *where)
    assert ended.code == 0, ended.err
    files = [file.read_text() for file in (folder / "out").rglob("*") if file.is_file()]
    assert leaked(told, listed.out, listed.err, ended.out, ended.err, *files) == set()
    return len(files)
