"""The one template of what Datadog's webhook is told to send."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# What Datadog itself writes comes first, and what users have a say in last: where a text is not
# escaped, nothing in it can pass for a field that came before it.
TEMPLATE = Path(__file__).with_name("payload.json")


@cache
def template() -> Mapping[str, str]:
    """Read the payload's fields in their order, each with its variable."""
    told: dict[str, str] = json.loads(TEMPLATE.read_text("utf-8"))
    return told


def filled(values: Mapping[str, str]) -> dict[str, str]:
    """Say what Datadog posts where its variables have these values; one that has none comes empty."""
    return {
        field: values.get(told[1:], "") if told.startswith("$") else told
        for field, told in template().items()
    }
