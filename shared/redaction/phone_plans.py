"""Which phone numbers are valid, as a library knows it; most digits are none, which is told in a moment."""

import importlib
import re
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import NamedTuple

# What people write between digits, and the plus in front.
_MARKS = str.maketrans("", "", "+ .()/-\u00a0\u2010\u2011\u2012\u2013\u2014\u2015")


def is_valid(value: str, region: str | None) -> bool:
    """Say whether the library knows a number, as it is dialled in a region or with a plus."""
    library = _phonenumbers()
    try:
        return bool(library.is_valid_number(library.parse(value, region)))
    except library.NumberParseException:
        return False


def is_international(spelled: str) -> bool:
    """Say whether a number that begins with a plus is valid."""
    digits = spelled.translate(_MARKS)
    # No country's code is the beginning of another's.
    plan = _plan_of(digits[:1]) or _plan_of(digits[:2]) or _plan_of(digits[:3])
    return plan is not None and plan.may_have(digits[len(plan.code) :]) and is_valid(spelled, None)


def is_national(value: str, regions: Iterable[str]) -> bool:
    """Say whether a number that begins with one zero is valid in any of these regions."""
    digits = value.translate(_MARKS)
    return any(_is_of_region(digits, value, region) for region in regions)


def _is_of_region(digits: str, value: str, region: str) -> bool:
    plan = _plan_of(str(_phonenumbers().country_code_for_region(region)))
    may_be = plan is None or plan.abroad.match(digits) is not None or plan.may_have(digits)
    return may_be and is_valid(value, region)


class _Plan(NamedTuple):
    """How a country numbers: whole numbers, what dials abroad, what stands in front and is taken off."""

    code: str
    numbers: re.Pattern[str]
    abroad: re.Pattern[str]
    prefix: re.Pattern[str]
    rewrites: bool

    def may_have(self, digits: str) -> bool:
        """Say in a moment of most digits what the library takes long to say: that they are no number."""
        if self.numbers.fullmatch(digits):
            return True
        prefix = self.prefix.match(digits)
        return prefix is not None and (
            self.rewrites or self.numbers.fullmatch(digits, prefix.end()) is not None
        )


@cache
def _plan_of(code: str) -> _Plan | None:
    """Read the plan of a country by its code; None where no country has it."""
    library = _phonenumbers()
    regions = library.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    of_region = library.PhoneMetadata.metadata_for_region_or_calling_code
    if not (plans := [of_region(int(code), region) for region in regions]):
        return None
    main, nothing = plans[0], "(?!)"
    return _Plan(
        code,
        re.compile("|".join(plan.general_desc.national_number_pattern for plan in plans)),
        re.compile(main.international_prefix or nothing),
        re.compile(main.national_prefix_for_parsing or nothing),
        bool(main.national_prefix_transform_rule),
    )


@cache
def _phonenumbers() -> ModuleType:
    # Loaded with the first number that needs it: its tables take long to import.
    library = importlib.import_module("phonenumbers")
    library.enable_pattern_cache()
    return library
