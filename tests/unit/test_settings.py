"""Settings: read once, every fault told at once, and no value ever shown."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.domain.model_calls import Budgets, ModelPrice, Usage
from shared.domain.signals import SignalRules
from shared.domain.taxonomy import FailureType
from shared.errors import ConfigError
from shared.settings import SHORTEST_SALT, Backend, FunctionSettings, Settings, load_settings
from shared.topology import FUNCTIONS, OPTIONAL_SECRETS, Function

SALT = "s" * SHORTEST_SALT
CLOUD = {
    "EVALFORGE_BACKEND": "cloud",
    "PII_SALT": SALT,
    "GOOGLE_CLOUD_PROJECT": "a-project",
    "DATADOG_API_KEY": "an-api-key",
    "DATADOG_APP_KEY": "an-app-key",
    "DATADOG_WEBHOOK_TOKEN": "a-token",
}


def _set(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_laptop_needs_no_settings_at_all() -> None:
    told = load_settings()

    assert told.evalforge_backend is Backend.EMBEDDED
    assert (told.trace_lookback_hours, told.quality_threshold) == (24, 0.5)


def test_a_deployed_function_is_on_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **{name: value for name, value in CLOUD.items() if name != "EVALFORGE_BACKEND"})
    assert load_settings(FunctionSettings).evalforge_backend is Backend.EMBEDDED

    _set(monkeypatch, K_SERVICE="sanitize")

    assert load_settings(FunctionSettings).evalforge_backend is Backend.CLOUD
    assert load_settings().evalforge_backend is Backend.EMBEDDED, "the command line is not a function"


def test_a_deployed_function_without_settings_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, K_SERVICE="sanitize")

    with pytest.raises(ConfigError, match="PII_SALT"):
        load_settings(FunctionSettings)


@pytest.mark.parametrize("labels", ["[" * 100_000, "no JSON", "{"])
def test_labels_that_cannot_be_read_are_a_fault(monkeypatch: pytest.MonkeyPatch, labels: str) -> None:
    _set(monkeypatch, EVALUATION_LABELS=labels)

    with pytest.raises(ConfigError, match="EVALUATION_LABELS"):
        load_settings()


def test_an_env_file_that_is_not_utf_8_is_named_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PII_SALT=caf\xe9")

    with pytest.raises(ConfigError, match="is not UTF-8") as refused:
        load_settings()

    assert "caf" not in str(refused.value)


def test_a_complete_cloud_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **CLOUD)

    assert load_settings().evalforge_backend is Backend.CLOUD


def test_a_cloud_without_anything_names_everything_that_it_needs() -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(FunctionSettings, evalforge_backend="cloud")

    for name in CLOUD.keys() - {"EVALFORGE_BACKEND"}:
        assert name in str(refused.value)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_function_needs_the_project_and_its_own_secrets_alone(
    monkeypatch: pytest.MonkeyPatch, function: Function
) -> None:
    _set(monkeypatch, K_SERVICE=function.id, FUNCTION_TARGET=function.name)

    with pytest.raises(ConfigError) as refused:
        load_settings(FunctionSettings)

    needed = {"GOOGLE_CLOUD_PROJECT", *function.secrets} - OPTIONAL_SECRETS
    assert {name for name in {*CLOUD, *OPTIONAL_SECRETS} if name in str(refused.value)} == needed


def test_a_command_on_the_cloud_needs_the_project_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="GOOGLE_CLOUD_PROJECT"):
        load_settings(evalforge_backend="cloud")

    _set(monkeypatch, GOOGLE_CLOUD_PROJECT="a-project")

    assert load_settings(evalforge_backend="cloud").project == "a-project"


def test_emulators_have_a_project_that_is_never_real() -> None:
    assert load_settings(evalforge_backend="emulator").project.startswith("demo-")


def test_a_prefix_that_firestore_would_not_take_is_refused() -> None:
    for prefix in ("", "a/b", "__x", "1"):
        with pytest.raises(ConfigError, match="FIRESTORE_COLLECTION_PREFIX"):
            load_settings(firestore_collection_prefix=prefix)


@pytest.mark.parametrize("missing", sorted(CLOUD.keys() - {"EVALFORGE_BACKEND"}))
def test_a_cloud_that_lacks_one_thing_names_that_alone(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    _set(monkeypatch, **{name: value for name, value in CLOUD.items() if name != missing})

    with pytest.raises(ConfigError) as refused:
        load_settings(FunctionSettings)

    assert [name for name in CLOUD if name in str(refused.value)] == [missing]


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "EVALFORGE_BACKEND": "moon",
        "TRACE_LOOKBACK_HOURS": "0",
        "QUALITY_THRESHOLD": "high",
        "EVALFORGE_WORKERS": "1000",
        "EVALFORGE_LOG_LEVEL": "loud",
        "PII_SALT": "short",
    }
    _set(monkeypatch, **wrong)

    with pytest.raises(ConfigError) as refused:
        load_settings()

    assert [name for name in wrong if name not in str(refused.value)] == []


def test_a_refused_value_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "PII_SALT",
        "TRACE_LOOKBACK_HOURS",
        "QUALITY_THRESHOLD",
        "EVALFORGE_BACKEND",
        "EVALFORGE_LOG_LEVEL",
    )
    _set(monkeypatch, **dict.fromkeys(names, "hunter2"))

    with pytest.raises(ConfigError) as refused:
        load_settings()

    assert "hunter2" not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert refused.value.__suppress_context__


def test_a_value_that_is_no_json_is_refused_by_its_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, EVALUATION_LABELS="{hunter2")

    with pytest.raises(ConfigError, match=r"(?i)evaluation_labels") as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_a_value_that_is_no_json_hides_no_other_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, EVALUATION_LABELS="{hunter2", TRACE_LOOKBACK_HOURS="0")

    with pytest.raises(ConfigError, match="EVALUATION_LABELS") as refused:
        load_settings()

    assert "TRACE_LOOKBACK_HOURS" in str(refused.value)


def test_secrets_are_not_shown_by_the_settings_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        name: f"hunter2-{'x' * SHORTEST_SALT}" for name in CLOUD if name.startswith(("DATADOG", "PII"))
    }
    _set(monkeypatch, **CLOUD, SLACK_WEBHOOK_URL="https://hunter2.example")
    _set(monkeypatch, **secrets)

    told = load_settings()

    assert "hunter2" not in f"{told!r} {told} {told.model_dump()} {told.model_dump_json()}"
    assert told.datadog_api_key is not None
    assert told.datadog_api_key.get_secret_value().startswith("hunter2")


@pytest.mark.parametrize("length", [0, 1, SHORTEST_SALT - 1])
def test_a_short_salt_is_refused_on_any_backend(length: int) -> None:
    with pytest.raises(ConfigError, match=f"PII_SALT: must have {SHORTEST_SALT} characters or more"):
        load_settings(pii_salt="s" * length)


def test_a_salt_that_is_long_enough_is_accepted() -> None:
    salt = load_settings(pii_salt=SALT).pii_salt

    assert salt is not None
    assert salt.get_secret_value() == SALT


def test_an_env_file_is_read() -> None:
    Path(".env").write_text("TRACE_LOOKBACK_HOURS=48\nquality_threshold=0.25\nUNKNOWN=1\n", encoding="utf-8")

    told = load_settings()

    assert (told.trace_lookback_hours, told.quality_threshold) == (48, 0.25)


def test_the_environment_wins_over_the_file_and_an_override_over_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("TRACE_LOOKBACK_HOURS=48\n", encoding="utf-8")
    _set(monkeypatch, TRACE_LOOKBACK_HOURS="12")

    assert load_settings().trace_lookback_hours == 12
    assert load_settings(trace_lookback_hours=6).trace_lookback_hours == 6


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, TRACE_LOOKBACK_HOURS="", PII_SALT="", EVALUATION_LABELS="", K_SERVICE_ACCOUNT="x")

    assert load_settings() == Settings()


def test_a_teams_labels_are_read_and_reach_the_signal_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(
        monkeypatch,
        EVALUATION_LABELS='{"brand_voice": "instruction_violation"}',
        QUALITY_THRESHOLD="0.6",
        TOXICITY_THRESHOLD="0.9",
    )

    assert load_settings().signal_rules == SignalRules(
        quality_threshold=0.6,
        toxicity_threshold=0.9,
        labels={"brand_voice": FailureType.INSTRUCTION_VIOLATION},
    )


def test_a_label_that_maps_to_no_type_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, EVALUATION_LABELS='{"brand_voice": "hunter2"}')

    with pytest.raises(ConfigError, match="EVALUATION_LABELS") as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_settings_do_not_change_after_they_were_read() -> None:
    told = load_settings()

    with pytest.raises(ValidationError):
        told.trace_lookback_hours = 1  # type: ignore[misc]


def test_a_value_of_another_form_is_told_what_it_must_look_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATADOG_API_URL", "https://example.com")
    monkeypatch.setenv("DATADOG_SITE", "nowhere")
    with pytest.raises(ConfigError) as refused:
        load_settings()
    site, url = str(refused.value).split("; ")
    assert site.startswith("settings: DATADOG_SITE: must be a Datadog site, such as datadoghq.com, ")
    assert url == "DATADOG_API_URL: must be an address of this machine, such as http://127.0.0.1:8126"


def test_a_model_is_asked_where_this_is_deployed_and_nowhere_else() -> None:
    assert not load_settings().asks_model
    assert not load_settings(evalforge_backend="emulator").asks_model
    assert load_settings(evalforge_backend="cloud", google_cloud_project="a-project").asks_model


def test_whether_a_model_is_asked_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, GOOGLE_CLOUD_PROJECT="a-project", ASK_MODEL="true")
    assert load_settings().asks_model

    _set(monkeypatch, ASK_MODEL="false")
    assert not load_settings(evalforge_backend="cloud").asks_model


def test_what_is_not_told_of_a_model_has_a_default() -> None:
    told = load_settings()

    assert (told.gemini_model, told.vertex_ai_location) == ("gemini-3.5-flash", "us-central1")
    assert told.model_price == ModelPrice(input=1.5, output=9)
    assert told.model_budgets == Budgets(usd_per_day=10)


def test_what_a_team_says_of_models_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(
        monkeypatch,
        ASK_MODEL="true",
        GOOGLE_CLOUD_PROJECT="a-project",
        GEMINI_MODEL="gemini-x",
        MODEL_PRICES='{"gemini-x": {"input": 2, "output": 10.5}, "gemini-y": {"input": 1, "output": 1}}',
        MODEL_BUDGET_USD="0.5",
        MODEL_BUDGET_USD_BY_APP='{"support-bot": 0.25}',
        VERTEX_AI_LOCATION="global",
    )

    told = load_settings()

    assert told.model_price.cost_of(Usage(input_tokens=1_000_000, output_tokens=2_000_000)) == 23
    assert told.model_budgets.are_spent(0.3, 0.25, "support-bot")
    assert not told.model_budgets.are_spent(0.3, 0.25, "another")
    assert told.vertex_ai_location == "global"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ASK_MODEL", ["hunter2"]),
        ("GEMINI_MODEL", ["Hunter2", "gemini 3", "../hunter2", ".hunter2"]),
        ("VERTEX_AI_LOCATION", ["Hunter2", "us/hunter2", "1hunter2"]),
        (
            "GOOGLE_MODELS_URL",
            ["https://hunter2.example", "http://localhost:80", "http://127.0.0.1:80/hunter2"],
        ),
        ("MODEL_BUDGET_USD", ["hunter2", "-1", "nan", "inf"]),
        (
            "MODEL_BUDGET_USD_BY_APP",
            ["{hunter2", "[" * 100_000, "[]", "7", '{"a": -1}', '{"a": NaN}', '{"a": "hunter2"}'],
        ),
        (
            "MODEL_PRICES",
            ["{hunter2", "[]", '{"a": 1}', '{"a": {"input": 1}}', '{"a": {"input": -1, "output": 1}}'],
        ),
        (
            "MODEL_PRICES",
            ['{"a": {"input": Infinity, "output": 1}}', '{"a": {"input": 1, "output": "hunter2"}}'],
        ),
    ],
)
def test_a_wrong_word_about_models_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, name: str, values: list[str]
) -> None:
    for value in values:
        _set(monkeypatch, **{name: value})

        with pytest.raises(ConfigError, match=f"^settings: {name}[.:]") as refused:
            load_settings()

        assert "hunter2" not in str(refused.value).lower()


@pytest.mark.parametrize("name", ["EVALUATION_LABELS", "MODEL_PRICES"])
@pytest.mark.parametrize("value", ["{", "[]", "7", "null"])
def test_what_is_no_json_object_is_told_what_it_must_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    _set(monkeypatch, **{name: value})

    with pytest.raises(ConfigError, match=f"^settings: {name}: must be a JSON object of ") as refused:
        load_settings()

    assert "{{" not in str(refused.value)


def test_a_model_that_is_asked_must_have_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, GEMINI_MODEL="gemini-x")
    assert load_settings().gemini_model == "gemini-x", "nobody asks it"

    _set(monkeypatch, GOOGLE_CLOUD_PROJECT="a-project", ASK_MODEL="true")

    with pytest.raises(ConfigError, match="MODEL_PRICES: has no price of the model that GEMINI_MODEL names"):
        load_settings()


def test_a_model_is_asked_in_a_project_or_of_a_stand_in() -> None:
    with pytest.raises(ConfigError, match="ASK_MODEL: also needs GOOGLE_CLOUD_PROJECT"):
        load_settings(ask_model=True)

    assert load_settings(ask_model=True, google_models_url="http://127.0.0.1:8127").asks_model


def test_faults_about_models_hide_no_others() -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(evalforge_backend="cloud", gemini_model="gemini-x")

    assert all(name in str(refused.value) for name in ("GOOGLE_CLOUD_PROJECT", "MODEL_PRICES"))
    assert "ASK_MODEL" not in str(refused.value)
