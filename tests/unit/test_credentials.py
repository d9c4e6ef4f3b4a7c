"""Secrets in texts: every family by its form, values by what stands before them, and what only looks so."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.credential_families import FAMILIES
from shared.redaction.credentials import find_credentials
from shared.redaction.kinds import Kind
from shared.redaction.told_secrets import calls_a_secret, looks_secret
from tests.properties import examples
from tests.timings import growth
from tests.unit.credential_examples import ALNUM, FAMILY_EXAMPLES, drawn


def _secrets(text: str) -> list[str]:
    """Return the stretches of a text that are found, joined where they overlap."""
    marked = set[int]()
    for found in find_credentials(text):
        assert found.kind is Kind.SECRET
        marked.update(range(found.start, found.end))
    runs = "".join(character if at in marked else "\0" for at, character in enumerate(text))
    return [run for run in runs.split("\0") if run]


def test_every_family_has_an_example() -> None:
    assert [family.rule for family in FAMILIES] == list(FAMILY_EXAMPLES)


@pytest.mark.parametrize(("rule", "example"), FAMILY_EXAMPLES.items(), ids=FAMILY_EXAMPLES)
def test_each_family_is_found_exactly(rule: str, example: tuple[str, str, str]) -> None:
    before, secret, after = example
    for opening, ending in (
        ("", ""),
        ("Use ", " please."),
        ('{"é": "', '"}'),
        (r"one\n", r"\ntwo"),
        ("(", ")"),
    ):
        text = f"{opening}{before}{secret}{after}{ending}"

        assert _secrets(text) == [secret]
        assert rule in {found.rule for found in find_credentials(text)}


TOLD = [
    ("my password is ", "Hunter22!", ""),
    ("The password for jane is ", "hunter22", "."),
    ("login jane password ", "hunter22", " thanks"),
    ("the api key: ", "Xk3fP9qLw2", " works"),
    ("your access token is ", "9f8e7d6c5b4a", ""),
    ("mi contraseña es ", "Madrid2024", ""),
    ("contraseña: ", "Madrid2024", ""),
    ("mein Passwort ist ", "Berlin2024", ", danke"),
    ("das Kennwort lautet ", "Berlin2024", ""),
    ("mon mot de passe est ", "Paris2024", ""),
    ("mot de passe : ", "Paris2024", ""),
    ("my PIN is ", "4821", "."),
    ("Your verification code is ", "482913", "."),
    ("key: ", "Xk3fP9qLw2ZaB7tQ0vNm", ""),
    ("DB_PASSWORD=", "hunter2hunter2", ""),
    ('"client_secret": "', "abcdefgh", '"'),
    ('{\\"api_key\\": \\"', "abc123def", '\\"}'),
    ("access_token: ", "abcdefghijkl", ""),
    ("passphrase = '", "correct-horse", "'"),
    ("Authorization: Basic ", "dXNlcjpodW50ZXIyMg==", ""),
    ("Authorization: Token ", "abcdef123", ""),
    ('"Authorization": "', "Jane00112233", '"'),
    ("Cookie: ", "sid=abc12345; theme=dark", ""),
    ("Set-Cookie: ", "sid=abc12345; Path=/", "; price of it"),
    ("postgres://app:", "s3cret", "@db/x"),
    ("mongodb+srv://app:", "p@ss", "@cluster.example/x"),
    ("redis://:", "s3cret", "@cache:6379"),
    ("amqp://guest:", "s3cret", "@mq"),
    ("https://", "jane:hunter22", "@example.com/x"),
    ("https://", "a1b2c3d4e5f6a7b8c9d0", "@github.com/x"),
    ("Server=db;User Id=sa;Password=", "abc", ";Encrypt=yes"),
    ("jdbc:x://db/y?user=a&password=", "hunter22", ""),
    ("https://x.example/?access_token=", "abc123def", "&a=b"),
    ("https://x.example/?X-Amz-Signature=", "0a1b2c3d4e5f", ""),
    ("https://x.example/callback?state=1&code=", "4/P7q7W91a", ""),
    ("", "Bearer abcdef.ghijkl-mnopqr", ""),
    ("", "-----BEGIN PRIVATE KEY-----\\nMIIabc\\n-----END PRIVATE KEY-----", "\\n"),
    ("", "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3Bl" * 16 + "\n" + "AAAB" * 16, "\nand so on"),
    ("", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVY\n-----END PGP PRIVATE KEY BLOCK-----", ""),
]


@pytest.mark.parametrize(("before", "secret", "after"), TOLD)
def test_what_stands_before_a_secret_tells(before: str, secret: str, after: str) -> None:
    assert _secrets(before + secret + after) == [secret]


@pytest.mark.parametrize(
    "inner",
    [
        "ghp_" + drawn(ALNUM, 36),
        '{"password": "hunter22x"}',
        "postgres://app:s3cret@db/x",
        "-----BEGIN PRIVATE KEY-----\nMIIabc",
    ],
)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_credential_in_base64_is_found_whole(inner: str, encode: Callable[[bytes], bytes]) -> None:
    encoded = encode(inner.encode()).decode()

    assert _secrets(f"data: {encoded}, ok") == [encoded]
    assert _secrets(rf"one\n{encoded}") == [encoded]


def test_what_basic_authorization_encodes_is_found() -> None:
    encoded = base64.b64encode(b"jane.doe@example.com:swordfish").decode()

    assert _secrets(f"we sent basic {encoded} there") == [encoded]


INNOCENT = [
    *(
        "the token limit is exceeded",
        "password reset",
        "secret sauce",
        "max_tokens=4096",
        "token_type: bearer",
    ),
    *(
        '"next_page_token": "CAESBggB12"',
        "password: string",
        '"password": "string"',
        "api_key: Optional[str]",
    ),
    *("the password is required", "the password is case-sensitive", "The secret is out", "the key is ready"),
    *("Invalid token: unexpected_end_of_input", "SyntaxError: Unexpected token '<'", "token: authentication"),
    *("password must be 8-20 characters", "password=os.environ['DB_PASSWORD']", "password: ${DB_PASSWORD}"),
    *("api_key=$OPENAI_API_KEY", "password: ********", "DATADOG_API_KEY=projects/a/secrets/b/versions/1"),
    *("idempotency_key: 3f2a9c1e-ab12-4cde-beef-1234567890ab", "cache key: user-profile-20409-settings"),
    *(
        "sort_key=Reports/Annual2024-final.pdf",
        "the key features are these",
        "Key: value",
        "foreign key customer_id",
    ),
    *("eos_token_id: 128009", "time_to_first_token: 482913000", "prompt_token=123456", "tokens: 123456"),
    *("risk-adjusted-returns-of-a-long-name", "eyJ", "bearer of news", "Bearer authentication is required"),
    *(
        "trace 6903738200000000af2d3775dfc70530",
        "span af2d3775dfc70530",
        "3f2a9c1e-ab12-4cde-beef-1234567890ab",
    ),
    *(
        "sha256:" + "9f86d081" * 8,
        "2026-11-18T16:00:00.123Z",
        "gpt-4o-mini-2024-07-18",
        "claude-3-5-sonnet-20241022",
    ),
    *("https://example.com:8080/path?page=2&sort=asc", "https://example.com/?token=next", "user@example.com"),
    *(
        "https://example.com/a?code=USD&key=name",
        "reservation 4WQ150 on HAT136",
        "$1,299.00 for SKU-20731-4471",
    ),
    *(
        "get_reservation_details",
        "Authorization: required for this",
        "authorization: please provide it",
        "cookie: yes",
    ),
    *(
        "Cookies: we use them",
        "-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----",
        "the PIN is wrong",
    ),
    *(
        "The quick brown fox jumps over the lazy dog",
        "the access token is OAuth2 based",
        "a 4096-bit key is safe",
    ),
    *("c29tZSBvcmRpbmFyeSB0ZXh0IHRoYXQgaXMgbG9uZw==", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA"),
    *(
        "password: <SECRET_1>",
        "token=user_abcdefghijklmnop",
        "api_key: id_" + "abcdefgh" * 4,
        "sk-learn_is_a_library",
    ),
    *(
        "postgres://db.example/x",
        "postgres://app:<SECRET_1>@db/x",
        "Cookie: <SECRET_1>",
        "Authorization: Bearer x",
    ),
    "",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_speaks_of_secrets_stays(text: str) -> None:
    assert _secrets(text) == []


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        ("db_password", "hunter22x", True),
        ("AWS_SECRET_ACCESS_KEY", "abcdefghijkl", True),
        ("apiKey", "abc123", True),
        ("signing_key", "abc123", True),
        ("reset_password", "requested by user", False),
        ("reset_password", "requested", False),
        ("next_page_token", "CAESBggB12", False),
        ("eos_token_id", "128009", False),
        ("password", "string", False),
        ("tokens", "123456", False),
    ],
)
def test_a_key_names_a_secret(key: str, value: str, *, secret: bool) -> None:
    assert (calls_a_secret(key) and looks_secret(value)) is secret


_pieces = st.sampled_from(
    [
        *("password", " is ", ": ", "=", '"', "Bearer ", "Cookie: ", "://", "@", "\ud800", "é", "Hunter22!"),
        *(
            "<SECRET_1>",
            "ghp_" + drawn(ALNUM, 36),
            "AccountKey=",
            "eyJhbGciOi",
            "-----BEGIN PRIVATE KEY-----",
            "\\n",
        ),
    ]
)


@examples(300)
@given(st.lists(_pieces | st.text(max_size=8), max_size=12).map("".join))
def test_findings_lie_in_the_text_whatever_it_is(text: str) -> None:
    assert all(0 <= found.start < found.end <= len(text) for found in find_credentials(text))


HOSTILE = [
    *(
        "a",
        "A1",
        "a@",
        "://a:",
        "://",
        "eyJ-",
        "eyJaaaaaaaa.",
        "sk-",
        "ghp_a",
        "bearer ",
        "token=",
        'token: "',
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIa",
        "password is ",
        "password ",
        "key ",
    ),
    *(
        "cookie: a=",
        "cookie:a=",
        "authorization: ",
        "?code=abcdef&",
        ";pwd=1",
        "QUFB",
        "QUFB ",
        "dd key ",
        "dd",
    ),
    *(
        "eyJ-ghp_" + "a" * 20 + "-",
        "AccountKey=",
        "$2b$12$",
        "azure aws key",
        "password for a ",
        "<SECRET_1>",
        "é",
    ),
    *("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB/", "hooks.slack.com/services/", "_auth=", "SG.aaaaaaaaaaaaaaaa."),
]
_SMALL, _GROWTH = 25_000, 8


@pytest.mark.parametrize("unit", HOSTILE)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    def work(size: int) -> None:
        list(find_credentials(unit * (size // len(unit))))

    # Three doublings: linear work grows eightfold, quadratic work sixty-fourfold.
    assert growth(work, _SMALL, _SMALL * _GROWTH) < 3**3
