"""Times and lengths of time, as options are given them."""

import re
from datetime import UTC, datetime, timedelta

import click

_AGO = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType[datetime]):
    """A time: ISO 8601, of UTC where it names no zone, or how long ago."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        told = str(value)
        try:
            if ago := _AGO.fullmatch(told):
                return datetime.now(tz=UTC).replace(microsecond=0) - _length(ago)
            moment = datetime.fromisoformat(told)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; say 2026-11-20, 2026-11-20T12:00Z, 90m, 36h or 7d", param, ctx)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment > datetime.now(tz=UTC):
            self.fail(f"{told!r} has not come yet; a time without a zone is of UTC", param, ctx)
        return moment


class Length(click.ParamType[timedelta]):
    """A length of time, of a minute or more."""

    name = "length"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        if isinstance(value, timedelta):
            return value
        told = _AGO.fullmatch(str(value))
        length = _length(told) if told else timedelta()
        if not length:
            self.fail(f"{value!r} is no length of time; say 30m, 6h or 1d", param, ctx)
        return length


def _length(told: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS[told[2]]: int(told[1])})
