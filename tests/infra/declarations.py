"""What Terraform declares and what the topology declares, in the same words, to be held side by side."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared import topology
from shared.domain.incidents import TICK_ID
from shared.messages import AlertRaised
from shared.topology import PUBSUB_RETRIES, Function, Index, Topic
from tests.conftest import ROOT
from tests.infra.terraform_files import Configuration

INFRA = ROOT / "infra"
# What the deployment's own variables are given here; the topology knows none of them.
GIVEN = {"project_id": "some-project", "firestore_database": "some-database"}
PREFIX = "some_prefix_"
# What an account may do in the whole project: all keep documents, and few ask models.
DOCUMENTS_ROLE, MODELS_ROLE = "roles/datastore.user", "roles/aiplatform.user"
_SECONDS_A_DAY = 86_400

Facts = dict[str, Any]


def deployment(folder: Path = INFRA, **given: str | bool) -> Configuration:
    """Read the deployment."""
    return Configuration(folder, {**GIVEN, "firestore_collection_prefix": PREFIX, **given})


def differences(terraform: Facts, declared: Facts) -> list[str]:
    """Say what only one side has, and what the two have with different values."""
    return [
        *(f"only in Terraform: {name}" for name in sorted(terraform.keys() - declared.keys())),
        *(f"only in the topology: {name}" for name in sorted(declared.keys() - terraform.keys())),
        *(
            f"{name}: {terraform[name]!r} in Terraform, {declared[name]!r} in the topology"
            for name in sorted(terraform.keys() & declared.keys())
            if terraform[name] != declared[name]
        ),
    ]


def of_terraform(root: Configuration) -> Facts:
    """Say what Terraform declares."""
    facts: Facts = {}
    for _, topic in root.instances("google_pubsub_topic"):
        facts[f"topic {topic['name']}"] = _seconds(topic["message_retention_duration"]) // _SECONDS_A_DAY
    for _, job in root.instances("google_cloud_scheduler_job"):
        target = job["pubsub_target"][0]
        topic_name = _topic_named(target["topic_name"])
        facts[f"schedule of {topic_name}"] = (job["schedule"], job["time_zone"], target["data"])
    for name, function in root.modules():
        facts |= {f"function {name}: {what}": told for what, told in _function_in(function).items()}
        facts |= _subscriptions_in(function)
    facts |= _subscriptions_in(root)
    for _, function_beside in root.instances("google_cloudfunctions2_function"):
        facts[f"function {function_beside['name']}"] = "beside the others"
    for needed, ids in (("required", "secret_ids"), ("optional", "optional_secret_ids")):
        facts |= {f"secret {name}": needed for name in root.locals[ids]}
    for _, field in root.instances("google_firestore_field"):
        facts |= dict.fromkeys(_field_settings(field), field["database"])
    for _, index in root.instances("google_firestore_index"):
        facts[_index_in(index)] = index["database"]
    return facts


def _function_in(module: Configuration) -> Facts:
    told = module.variables
    ((_, made),) = module.instances("google_cloudfunctions2_function")
    build, service = made["build_config"][0], made["service_config"][0]
    return {
        "id": made["name"],
        "entry point": build["entry_point"],
        "source file": build["environment_variables"]["GOOGLE_FUNCTION_SOURCE"],
        "topic": told["topic"],
        "public": told["public"],
        "publishes": sorted(told["publishes"]),
        "memory": service["available_memory"],
        "timeout": service["timeout_seconds"],
        "concurrency": service["max_instance_request_concurrency"],
        "most instances": service["max_instance_count"],
        "environment": sorted(module.locals["environment"]),
        "settings": sorted(told["settings"]),
        "secrets": sorted(told["secrets"]),
        "optional secrets": sorted(told["optional_secrets"]),
        "roles in the project": sorted(
            grant["role"] for _, grant in module.instances("google_project_iam_member")
        ),
    }


def _subscriptions_in(module: Configuration) -> Facts:
    """Say what a module subscribes to; the one of a function without a topic is not made."""
    facts: Facts = {}
    for _, one in module.instances("google_pubsub_subscription"):
        if one["topic"] is None:
            continue
        retries = one["retry_policy"][0]
        # The policy is made where there is a topic for it.
        buried = module.variables.get("dead_letter_topic")
        policy = one["dynamic"][0]["dead_letter_policy"]["content"][0]
        facts[f"subscription {one['name']}"] = {
            "topic": one["topic"],
            "waits": (_seconds(retries["minimum_backoff"]), _seconds(retries["maximum_backoff"])),
            "attempts": policy["max_delivery_attempts"] if buried else None,
            "dead letters": buried,
            "ack deadline": one["ack_deadline_seconds"],
            "retention": _seconds(one["message_retention_duration"]) // _SECONDS_A_DAY,
            "expires": one["expiration_policy"][0]["ttl"],
        }
    return facts


def _field_settings(field: dict[str, Any]) -> Iterator[str]:
    (settings,) = field["index_config"]
    collection = field["collection"].removeprefix(PREFIX)
    assert collection != field["collection"], f"{collection} stands without the prefix"
    if not settings:
        named = "no field" if field["field"] == "*" else f"not {field['field']}"
        yield f"{named} of {collection} is indexed by itself"
    if "ttl_config" in field:
        yield f"{collection} expires by {field['field']}"
    for index in settings.get("indexes", []):
        told = index.get("order") or index
        yield f"index of {index['query_scope']} {collection} by {field['field']} {told}"


def _index_in(index: dict[str, Any]) -> str:
    collection = index["collection"].removeprefix(PREFIX)
    assert collection != index["collection"], f"{collection} stands without the prefix"
    fields = [
        f"{field['field_path']} {field.get('order') or field['vector_config'][0]}"
        for field in index["fields"]
    ]
    return f"index of {index['query_scope']} {collection} by {', '.join(fields)}"


def of_topology() -> Facts:
    """Say what the topology declares."""
    facts: Facts = {f"topic {topic.id}": topology.RETENTION_DAYS for topic in Topic}
    facts[f"schedule of {Topic.RESENDS.id}"] = (
        topology.RESEND_SCHEDULE,
        "Etc/UTC",
        '${base64encode("{}")}',
    )
    facts[f"schedule of {Topic.CONTRASTS.id}"] = (
        topology.RECONTRAST_SCHEDULE,
        "Etc/UTC",
        '${base64encode("{}")}',
    )
    facts[f"schedule of {Topic.ALERTS.id}"] = (
        topology.FOLLOW_SCHEDULE,
        "Etc/UTC",
        '${base64encode("' + AlertRaised(incident_id=TICK_ID).model_dump_json().replace('"', '\\"') + '")}',
    )
    for function in topology.FUNCTIONS:
        facts |= {f"function {function.name}: {what}": told for what, told in _declared(function).items()}
        if function.topic:
            facts[f"subscription {function.id}"] = _subscription_of(function, function.topic)
        facts |= {
            f"secret {name}": "optional" if name in topology.OPTIONAL_SECRETS else "required"
            for name in function.secrets
        }
    for collection in topology.COLLECTION_GROUPS:
        facts[f"no field of {collection} is indexed by itself"] = GIVEN["firestore_database"]
    for index in topology.indexes():
        facts[_spelled(index)] = GIVEN["firestore_database"]
    return facts


def _declared(function: Function) -> Facts:
    secrets = set(function.secrets)
    return {
        "id": function.id,
        "entry point": function.name,
        "source file": function.source,
        "topic": function.topic and function.topic.id,
        "public": function.topic is None,
        "publishes": sorted(topic.id for topic in function.publishes),
        "memory": f"{function.memory_mib}Mi",
        "timeout": function.timeout_seconds,
        "concurrency": function.concurrency,
        "most instances": function.most_instances,
        "environment": sorted(topology.ENVIRONMENT),
        "settings": sorted(function.settings),
        "secrets": sorted(secrets - topology.OPTIONAL_SECRETS),
        "optional secrets": sorted(secrets & topology.OPTIONAL_SECRETS),
        "roles in the project": sorted({DOCUMENTS_ROLE} | ({MODELS_ROLE} if function.asks_models else set())),
    }


def _subscription_of(function: Function, topic: Topic) -> Facts:
    last = topic is Topic.DEAD_LETTERS
    return {
        "topic": topic.id,
        "waits": (PUBSUB_RETRIES.first_wait, PUBSUB_RETRIES.longest_wait),
        "attempts": None if last else PUBSUB_RETRIES.attempts,
        "dead letters": None if last else Topic.DEAD_LETTERS.id,
        "ack deadline": function.timeout_seconds,
        "retention": topology.RETENTION_DAYS,
        "expires": "",
    }


def _spelled(index: Index) -> str:
    """Spell an index with the document id, which stands before a vector and behind everything else."""
    fields = [f"{name} {order}" for name, order in index.fields]
    if len(fields) > 1 or index.dimensions:
        fields.append(f"__name__ {index.fields[-1][1]}")
    if index.dimensions:
        vector = {"dimension": index.dimensions, "flat": [{}]}
        fields.append(f"{topology.VECTOR_FIELD} {vector}")
    return f"index of COLLECTION {index.collection} by {', '.join(fields)}"


def _seconds(told: str) -> int:
    found = re.fullmatch(r"(\d+)s", told)
    assert found, f"{told} is not a number of seconds"
    return int(found[1])


def _topic_named(reference: str) -> str:
    """Name the topic of a reference to its id, which Terraform knows late."""
    found = re.fullmatch(r'\$\{google_pubsub_topic\.topic\["([^"]+)"\]\.id\}', reference)
    return found[1] if found else reference
