"""`evalforge sanitize` as it is called: text or JSON in, the same shape out."""

import json
import subprocess
from itertools import pairwise
from typing import Any

import pytest

from tests.pipeline.command import command_line, environment

CARD = "4111 1111 1111 1111"
MAIL = "joe.miller@example.com"


def sanitize(source: str | bytes, *options: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command_line("sanitize", *options),
        input=source.encode() if isinstance(source, str) else source,
        capture_output=True,
        timeout=120,
        env=environment(**variables),
        check=False,
    )


def out_of(source: str | bytes, *options: str) -> str:
    ended = sanitize(source, *options)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    return ended.stdout.decode()


def spans_of(*texts: str) -> list[list[dict[str, Any]]]:
    source = "\n".join(json.dumps({"id": number, "text": text}) for number, text in enumerate(texts))
    told = [json.loads(line) for line in out_of(source, "--spans").splitlines()]
    assert [one["id"] for one in told] == list(range(len(texts)))
    return [one["spans"] for one in told]


def test_plain_text_keeps_its_lines_and_their_endings() -> None:
    source = f"write to {MAIL}\r\n\n  \nno more than this, été\n{MAIL.upper()} and {CARD}"
    assert out_of(source) == ("write to <EMAIL_1>\r\n\n  \nno more than this, été\n<EMAIL_1> and <CARD_1>")
    assert out_of("") == ""


def test_json_lines_stay_json_and_are_left_alone_where_nothing_is_found() -> None:
    plain = '{"n":1.50,  "trace_id":"ab12", "s": "caf\\u00e9"}'
    source = f'{plain}\n{{"email":"{MAIL}","n":1e2,"deep":[{{"password":"hunter2hunter2"}}]}}\n[]\n'
    first, second, third = out_of(source).splitlines()
    assert (first, third) == (plain, "[]")
    assert json.loads(second) == {"email": "<EMAIL_1>", "n": 100.0, "deep": [{"password": "<SECRET_1>"}]}


def test_lines_of_text_and_json_may_come_in_turns() -> None:
    source = f'[INFO] sent to {MAIL}\n{{"to": "{MAIL}"}}\n[1,\n{{\nfoo {{\n{{"to": "{MAIL}"}}\n{{'
    expected = '[INFO] sent to <EMAIL_1>\n{"to": "<EMAIL_1>"}\n[1,\n{\nfoo {\n{"to": "<EMAIL_1>"}\n{'
    assert out_of(source) == expected


@pytest.mark.parametrize("line", ["{", "[1,", "{\nfoo", "-----BEGIN PRIVATE KEY-----\n{"])
def test_many_beginnings_without_an_end_are_text(line: str) -> None:
    told = out_of(f"{line}\n" * 3000 + MAIL)
    assert told.endswith("<EMAIL_1>")
    assert "PRIVATE KEY" in line or told == f"{line}\n" * 3000 + "<EMAIL_1>"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_document_on_many_lines_comes_out_as_one(ending: str) -> None:
    document = {
        "user": {"first_name": "Wilhelmina", "cards": [CARD, 4111111111111111]},
        "n": [1, {}, [], None],
    }
    plain = {"a": ["}", "\\", '"{'], "b": {"c": True}}
    source = "\n".join(json.dumps(one, indent=3) for one in (document, plain, document)).replace("\n", ending)
    told = out_of(source)
    expected = {"user": {"first_name": "<PERSON_1>", "cards": ["<CARD_1>"] * 2}, "n": [1, {}, [], None]}
    assert told == "\n".join(json.dumps(one, indent=3) for one in (expected, plain, expected)).replace(
        "\n", ending
    )


def test_a_value_has_one_placeholder_in_the_whole_stream() -> None:
    lines = [
        f'{{"trace_id": "t{number}", "input": "I am at {MAIL}"}}\nwrite to {MAIL}\n' for number in range(50)
    ]
    told = out_of("other@example.org\n" + "".join(lines))
    assert told.count("<EMAIL_2>") == 100
    assert out_of(f"<EMAIL_7> {MAIL}") == "<EMAIL_7> <EMAIL_8>"


def test_a_user_is_hashed_with_the_salt_of_the_settings() -> None:
    source = '{"user_id": "joe-77"}'
    salted = [json.loads(sanitize(source, PII_SALT=letter * 32).stdout)["user_id"] for letter in "aab"]
    assert salted[0] == salted[1] != salted[2]
    assert salted[0].startswith("user_")
    assert sanitize(source, PII_SALT="short").returncode == 2


def test_tags_that_tell_of_a_user_lose_only_that() -> None:
    source = '{"trace_id": "t", "tags": ["user.id:joe-77", "env:prod", "pii:yes", "usr.id:joe-77", ""]}'
    tags = json.loads(out_of(source))["tags"]
    assert tags[0] == tags[3]
    assert tags[0].startswith("user_hash:user_")
    assert (tags[1], tags[4]) == ("env:prod", "")
    assert "pii" not in tags[2]
    assert out_of(json.dumps({"tags": tags})) == json.dumps({"tags": tags})


def test_a_name_that_a_key_tells_is_found_in_the_text_beside_it_and_nowhere_else() -> None:
    source = (
        '{"passenger_name": "Brisk Quuxley", "note": "told Quuxley twice"}\n{"note": "told Quuxley twice"}'
    )
    first, second = map(json.loads, out_of(source).splitlines())
    assert "Quuxley" not in str(first)
    assert second == {"note": "told Quuxley twice"}


def test_a_private_key_goes_whole() -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 20
    source = f"before\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\nafter\n"
    assert out_of(source) == "before\n<SECRET_1>\nafter\n"


def test_a_key_told_twice_hides_nothing() -> None:
    assert MAIL not in out_of(f'{{"a": "{MAIL}", "a": "b"}}')


def test_a_document_deeper_than_recursion_bears_stays_json() -> None:
    source = "[" * 5000 + f'"{MAIL}", 4111111111111111, 1.5' + "]" * 5000
    assert out_of(source) == "[" * 5000 + '"<EMAIL_1>", "<CARD_1>", 1.5' + "]" * 5000


def test_bytes_that_are_no_text_are_told_by_their_line_and_replaced() -> None:
    ended = sanitize(b"fine\n\xff\xfe " + MAIL.encode() + b"\n\xef\xbb\xbf" + b'{"email": "a@b.example"}\n')
    assert ended.returncode == 0
    assert ended.stdout.decode() == 'fine\n\ufffd\ufffd <EMAIL_1>\n\ufeff{"email": "<EMAIL_2>"}\n'
    assert ended.stderr.decode() == "line 2: not UTF-8; what cannot be read is replaced\n"


def test_a_line_comes_out_before_the_next_goes_in_and_a_reader_may_leave() -> None:
    with subprocess.Popen(
        command_line("sanitize"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line in (b"mail joe@example.com\n", b'{"a": "joe@example.com"}\n', b"{\n}\n"):
            process.stdin.write(line)
            process.stdin.flush()
            told = process.stdout.readline()
            assert told
            assert b"joe" not in told
        process.stdout.close()
        process.stdin.write(b"text\n" * 10)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


def test_counts_go_to_standard_error() -> None:
    assert sanitize(f"{MAIL} {CARD} {MAIL}", "--counts").stderr == b"found: 1 CARD, 2 EMAIL\n"
    assert sanitize("nothing", "--counts").stderr == b"found: nothing\n"
    spans = sanitize(json.dumps({"id": 1, "text": MAIL}), "--spans", "--counts")
    assert spans.stderr == b"found: 1 EMAIL\n"


def test_spans_tell_where_in_characters() -> None:
    texts = [f"Zoë 👩‍💻 at {MAIL}, card {CARD}.", "nothing here", f"{MAIL} {MAIL}"]
    for text, spans in zip(texts, spans_of(*texts), strict=True):
        told = [text[span["start"] : span["end"]] for span in spans if span["type"] in ("EMAIL", "CARD")]
        assert told == [
            value for value in text.replace(",", "").replace("card ", "").split(" ") if "@" in value
        ] + ([CARD] if CARD in text else [])
        assert [span["start"] for span in spans] == sorted(span["start"] for span in spans)
        assert all(one["end"] <= other["start"] for one, other in pairwise(spans))
        assert all(span["rule"] for span in spans)


@pytest.mark.parametrize(
    "hidden",
    [
        "joe%40example.com",
        "ｊｏｅ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "j\u200bo\u200be@exam\u00adple.com",
        "joe&amp;#64;example.com",
    ],
)
def test_spans_of_hidden_values_cover_them_as_they_are_written(hidden: str) -> None:
    text = f"été: {hidden} — ok"
    (spans,) = spans_of(text)
    assert [(span["type"], text[span["start"] : span["end"]]) for span in spans] == [("EMAIL", hidden)]


def test_a_line_that_is_no_text_to_search_is_named_and_the_rest_goes_on() -> None:
    good = json.dumps({"id": "x", "text": MAIL})
    bad = [
        "secret-word",
        '["secret-word"]',
        '{"id": "secret-word"}',
        '{"text": "secret-word"}',
        '{"id": 1, "text": 2}',
    ]
    ended = sanitize("\n".join([*bad, "", good]), "--spans")
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines() == [
        "line 1: not JSON",
        "line 2: not a JSON object",
        "line 3: has no text",
        "line 4: has no id",
        "line 5: text is not a string",
    ]
    assert json.loads(ended.stdout)["spans"][0]["type"] == "EMAIL"


def test_sanitizing_twice_changes_nothing() -> None:
    source = (
        f"Dear Mr. Smith, {MAIL}, {CARD}, joe%40example.org\n"
        f'{{"user_id": "joe", "email": "{MAIL}", "n": 1.0}}\n'
        '{"a": "{\\"password\\": \\"hunter2hunter2\\"}"}\n{\n  "phone": "+1 212 555 0123"\n}\n'
    )
    once = out_of(source)
    twice = sanitize(once, "--counts")
    assert twice.stdout.decode() == once
    assert twice.stderr == b"found: nothing\n"
