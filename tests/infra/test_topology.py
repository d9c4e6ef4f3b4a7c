"""Terraform makes what the topology declares: nothing less, nothing more, nothing else."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.settings import Backend, Settings
from tests.infra.declarations import (
    DOCUMENTS_ROLE,
    INFRA,
    MODELS_ROLE,
    Facts,
    deployment,
    differences,
    of_terraform,
    of_topology,
)
from tests.infra.terraform_files import read_folder

# What a function's account may do; everything else would be more than it needs.
ROLES_OF_A_FUNCTION = {
    ("google_project_iam_member", DOCUMENTS_ROLE),
    ("google_pubsub_topic_iam_member", "roles/pubsub.publisher"),
    ("google_secret_manager_secret_iam_member", "roles/secretmanager.secretAccessor"),
    # On itself: who may call it, and that Pub/Sub may take its dead letters away.
    ("google_cloud_run_v2_service_iam_member", "roles/run.invoker"),
    ("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber"),
}
# What others may do: the build, and Pub/Sub's own agent.
ROLES_OF_THE_DEPLOYMENT = {
    ("google_project_iam_member", "roles/artifactregistry.writer"),
    ("google_project_iam_member", "roles/logging.logWriter"),
    ("google_project_iam_member", "roles/storage.objectViewer"),
    ("google_pubsub_topic_iam_member", "roles/pubsub.publisher"),
    ("google_service_account_iam_member", "roles/iam.serviceAccountTokenCreator"),
}


class Change(NamedTuple):
    """A change of one of the deployment's files, and what has to be told of it."""

    file: str
    old: str
    new: str
    told: str


CHANGES = {
    "another topic": Change(
        "pubsub.tf",
        '"evalforge-contrasts",\n  ])',
        '"evalforge-contrasts",\n    "evalforge-more",\n  ])',
        "only in Terraform: topic evalforge-more",
    ),
    "a shorter retention": Change(
        "pubsub.tf", '"604800s"', '"86400s"', "topic evalforge-alerts: 1 in Terraform, 7 in the topology"
    ),
    "another schedule": Change("pubsub.tf", '"*/10 * * * *"', '"0 * * * *"', "schedule of evalforge-resends"),
    "a schedule of another topic": Change(
        "pubsub.tf",
        'topic_name = google_pubsub_topic.topic["evalforge-resends"].id',
        'topic_name = google_pubsub_topic.topic["evalforge-alerts"].id',
        "only in the topology: schedule of evalforge-resends",
    ),
    "a function that is left out": Change(
        "functions.tf",
        'module "resend" {',
        'module "send_again" {',
        "only in the topology: function resend: id",
    ),
    "another name": Change(
        "functions.tf", '"evalforge-bury"', '"evalforge-burying"', "only in the topology: subscription"
    ),
    "another entry point": Change(
        "functions.tf",
        '"functions/extract/main.py"',
        '"functions/generate/main.py"',
        "function extract: source file",
    ),
    "another topic's messages": Change(
        "functions.tf",
        'topic             = google_pubsub_topic.topic["evalforge-alerts"].name',
        'topic             = google_pubsub_topic.topic["evalforge-failures"].name',
        "function find_failures: topic",
    ),
    "less memory": Change("functions.tf", '"1024Mi"', '"512Mi"', "function sanitize: memory"),
    "a longer timeout": Change("functions.tf", "= 15 #", "= 60 #", "function receive_alert: timeout"),
    "more at once": Change(
        "functions.tf", "concurrency    = 1\n", "concurrency    = 2\n", "find_failures: concurrency"
    ),
    "more instances": Change(
        "functions.tf", "most_instances = 1\n", "most_instances = 10\n", "function resend: most instances"
    ),
    "a topic more to publish to": Change(
        "functions.tf",
        'google_pubsub_topic.topic["evalforge-artifacts"].name,\n  ]',
        'google_pubsub_topic.topic["evalforge-dead-letters"].name,\n  ]',
        "function resend: publishes",
    ),
    "a setting that is not given": Change(
        "functions.tf",
        "    SIMILARITY_THRESHOLD = var.similarity_threshold\n",
        "",
        "function deduplicate: settings",
    ),
    "a model's setting that is not given": Change(
        "functions.tf",
        "    MODEL_PRICES            = var.model_prices\n",
        "",
        "function extract: settings",
    ),
    "a function more that may ask models": Change(
        "functions.tf",
        '  entry_point       = "deduplicate"\n',
        '  entry_point       = "deduplicate"\n  asks_models       = true\n',
        "function deduplicate: roles in the project: ['roles/aiplatform.user', 'roles/datastore.user']",
    ),
    "no function that may ask models": Change(
        "functions.tf",
        "  asks_models       = true\n",
        "",
        "function extract: roles in the project: ['roles/datastore.user'] in Terraform",
    ),
    "all functions may ask models": Change(
        "function/main.tf",
        "  count = var.asks_models ? 1 : 0\n",
        "",
        "function bury: roles in the project",
    ),
    "more than asking": Change(
        "function/main.tf",
        '"roles/aiplatform.user"',
        '"roles/aiplatform.admin"',
        "function extract: roles in the project: ['roles/aiplatform.admin', 'roles/datastore.user']",
    ),
    "money by day without its index": Change(
        "firestore.tf",
        'field      = "day"',
        'field      = "days"',
        "only in the topology: index of COLLECTION spend by day ASCENDING",
    ),
    "a secret too many": Change(
        "functions.tf",
        'secrets = ["DATADOG_WEBHOOK_TOKEN"]',
        'secrets = ["DATADOG_WEBHOOK_TOKEN", "PII_SALT"]',
        "function receive_alert: secrets",
    ),
    "a secret that is required": Change(
        "functions.tf",
        "optional_secrets = {\n    SLACK_WEBHOOK_URL = var.slack_notices\n  }",
        'secrets = ["SLACK_WEBHOOK_URL"]',
        "function deliver: optional secrets",
    ),
    "a secret that nobody reads": Change(
        "secrets.tf",
        'PII_SALT              = "evalforge-pii-salt"',
        'PII_SALT = "evalforge-pii-salt"\n    MORE = "evalforge-more"',
        "only in Terraform: secret MORE",
    ),
    "no dead letters": Change(
        "functions.tf",
        'dead_letter_topic = google_pubsub_topic.topic["evalforge-dead-letters"].name\n',
        "",
        "subscription evalforge-find-failures",
    ),
    "a function that anyone may call": Change(
        "functions.tf",
        'topic             = google_pubsub_topic.topic["evalforge-captures"].name',
        "public = true",
        "function extract: public",
    ),
    "another wait": Change("function/main.tf", '"600s"', '"60s"', "'waits': (10, 60)"),
    "fewer attempts": Change("function/main.tf", "= 50", "= 5", "'attempts': 5"),
    "another deadline": Change(
        "function/main.tf",
        "ack_deadline_seconds       = var.timeout",
        "ack_deadline_seconds = 10",
        "'ack deadline': 10",
    ),
    "a variable for all": Change(
        "function/main.tf", 'PYTHONPATH = "/workspace"', "", "function bury: environment"
    ),
    "a subscription beside them": Change(
        "pubsub.tf",
        'resource "google_pubsub_topic" "topic" {',
        'resource "google_cloudfunctions2_function" "more" {\n  name = "more"\n}\n\n'
        'resource "google_pubsub_topic" "topic" {',
        "only in Terraform: function more",
    ),
    "an indexed collection": Change(
        "firestore.tf", '    "chunks",\n', "", "only in the topology: no field of chunks is indexed by itself"
    ),
    "an exemption that exempts nothing": Change(
        "firestore.tf",
        "index_config {}",
        'index_config {\n indexes {\n order = "ASCENDING"\n query_scope = "COLLECTION"\n }\n }',
        "only in Terraform: index of COLLECTION incidents by * ASCENDING",
    ),
    "another direction": Change(
        "firestore.tf",
        '"DESCENDING"',
        '"ASCENDING"',
        "only in the topology: index of COLLECTION raw_traces by stored_at DESCENDING",
    ),
    "another scope": Change(
        "firestore.tf",
        '"COLLECTION"',
        '"COLLECTION_GROUP"',
        "only in Terraform: index of COLLECTION_GROUP raw_traces by started_at ASCENDING",
    ),
    "a field less": Change(
        "firestore.tf",
        '  fields {\n    field_path = "rank"\n    order      = "DESCENDING"\n  }\n',
        "",
        "only in the topology: index of COLLECTION healthy_traces by ml_app",
    ),
    "other dimensions": Change("firestore.tf", "= 768", "= 384", "'dimension': 384"),
    "another database": Change(
        "firestore.tf",
        "database   = google_firestore_database.evalforge.name\n"
        '  collection = "${var.firestore_collection_prefix}raw_traces"',
        'database   = "(default)"\n  collection = "${var.firestore_collection_prefix}raw_traces"',
        "index of COLLECTION raw_traces by started_at ASCENDING: '(default)' in Terraform",
    ),
}


@pytest.fixture(scope="module")
def terraform() -> Facts:
    return of_terraform(deployment())


def test_terraform_and_the_topology_say_the_same(terraform: Facts) -> None:
    assert differences(terraform, of_topology()) == []


@pytest.mark.parametrize("change", CHANGES.values(), ids=[name.replace(" ", "_") for name in CHANGES])
def test_a_change_is_told(change: Change, tmp_path: Path) -> None:
    changed = tmp_path / "infra"
    shutil.copytree(INFRA, changed, ignore=shutil.ignore_patterns(".*"))
    path = changed / change.file
    text = path.read_text(encoding="utf-8")
    assert change.old in text
    path.write_text(text.replace(change.old, change.new, 1), encoding="utf-8")

    told = differences(of_terraform(deployment(changed)), of_topology())

    assert any(change.told in one for one in told), told


def test_whatever_one_side_lacks_is_told(terraform: Facts) -> None:
    declared = of_topology()

    for name in declared:
        rest = {other: told for other, told in declared.items() if other != name}
        assert differences(terraform, rest) == [f"only in Terraform: {name}"]
        assert differences(rest, declared) == [f"only in the topology: {name}"]


def test_whatever_differs_is_told(terraform: Facts) -> None:
    for name, told in of_topology().items():
        assert differences(terraform, terraform | {name: "something else"}) == [
            f"{name}: {told!r} in Terraform, 'something else' in the topology"
        ]


def test_a_collection_without_the_prefix_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "infra"
    shutil.copytree(INFRA, changed, ignore=shutil.ignore_patterns(".*"))
    path = changed / "firestore.tf"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("${var.firestore_collection_prefix}groups", "groups"), encoding="utf-8")

    with pytest.raises(AssertionError, match="without the prefix"):
        of_terraform(deployment(changed))


def test_a_function_s_account_may_do_nothing_else() -> None:
    for name, function in deployment().modules():
        roles = {
            (kind, grant["role"])
            for kind in function.kinds()
            for _, grant in function.instances(kind)
            if "role" in grant
        }

        asking = {("google_project_iam_member", MODELS_ROLE)} if name == "extract" else set()
        assert roles == ROLES_OF_A_FUNCTION | asking


def test_the_api_of_the_models_is_on() -> None:
    services = {service["service"] for _, service in deployment().instances("google_project_service")}

    assert "aiplatform.googleapis.com" in services


def test_a_function_reads_and_writes_its_own_database_only() -> None:
    for _, function in deployment().modules():
        grants = [grant for _, grant in function.instances("google_project_iam_member")]
        (grant,) = (one for one in grants if one["role"] == DOCUMENTS_ROLE)

        (condition,) = grant["condition"]
        assert condition["expression"] == 'resource.name == "projects/some-project/databases/some-database"'


def test_nobody_else_may_do_more() -> None:
    root = deployment()

    roles = {
        (kind, grant["role"]) for kind in root.kinds() for _, grant in root.instances(kind) if "role" in grant
    }

    assert roles == ROLES_OF_THE_DEPLOYMENT


def test_no_value_of_a_secret_stands_in_terraform() -> None:
    assert "google_secret_manager_secret_version" not in deployment().kinds()


def test_datadog_is_told_the_one_payload() -> None:
    ((_, webhook),) = deployment(datadog_webhook=True).instances("datadog_webhook")

    assert webhook["payload"] == '${file("${path.module}/../functions/receive_alert/payload.json")}'
    assert webhook["encode_as"] == "json"


def test_what_is_not_set_is_what_the_settings_say_without_it() -> None:
    given = {"project_id": "some-project"}
    variables = {
        name: body.get("default")
        for name, body in read_folder(INFRA)["variable"].items()
        if name not in given
    }
    named = {"log_level": "evalforge_log_level"}
    elsewhere = {"region", "firestore_location", "slack_notices", "datadog_webhook"}
    unset = Settings(evalforge_backend=Backend.CLOUD, google_cloud_project="some-project")

    for name, told in variables.items():
        if name in elsewhere:
            continue
        field = named.get(name, name)
        # An empty variable of the environment is one that is not set.
        told_so = {field: told} if told not in {None, ""} else {}
        set_so = Settings.model_validate({"google_cloud_project": "some-project"} | told_so)
        without = unset.asks_model if name == "ask_model" else getattr(unset, field)
        assert getattr(set_so, field) == without, name
