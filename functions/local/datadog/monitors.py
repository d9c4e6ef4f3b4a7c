"""Monitors, as far as their definitions can be checked."""

import re
from typing import Any

from functions.local.datadog.query import QueryError, parse

_KIND = "llm-observability alert"
_QUERY = re.compile(
    r'llm-observability\("((?:[^"\\]|\\.)*)"\)'
    r'\.rollup\([^)]*\)(?:\.by\([^)]*\))?\.last\("\d+[mhd]"\) *[<>]=? *[\d.]+'
)


class MonitorError(ValueError):
    """A monitor's definition that would not be taken."""


def checked(definition: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a definition that Datadog would take.

    Raises:
        MonitorError: it would not.
    """
    if not isinstance(definition, dict) or not {"type", "query"} <= definition.keys():
        raise MonitorError("type and query are required")
    found = _QUERY.fullmatch(str(definition["query"]))
    if definition["type"] == _KIND and found is None:
        raise MonitorError("The value provided for parameter 'query' is invalid")
    if found is not None:
        try:
            parse(re.sub(r'\\(["\\])', r"\1", found[1]))
        except QueryError as error:
            raise MonitorError("The value provided for parameter 'query' is invalid") from error
    return definition
