"""Given and family names, from the lists of a maintained library."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import NamedTuple

# Locales whose names are in Latin letters, or have a list that is; they overlap, and each costs a
# millisecond to load.
_LOCALES = (
    *("en_US", "en_GB", "en_IN", "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "pt_BR", "nl_NL"),
    *("sv_SE", "da_DK", "no_NO", "fi_FI", "pl_PL", "cs_CZ", "hu_HU", "ro_RO", "hr_HR", "tr_TR"),
)
_NEIGHBOURS = (
    *("en_IE", "en_NZ", "de_AT", "de_CH", "fr_CH", "fr_BE", "fr_QC", "es_AR", "es_CL", "es_CO"),
    *("es_CA", "pt_PT", "nl_BE", "sk_SK", "sl_SI", "et_EE", "lt_LT", "lv_LV", "is_IS", "ga_IE"),
)
# The names of these are as often words, places or products: `Safari`, `Valid`.
_FURTHER = (
    *("ja_JP", "zh_CN", "vi_VN", "id_ID", "en_PK", "en_NG", "yo_NG", "ig_NG", "ha_NG", "en_KE"),
    *("zu_ZA", "sw", "tw_GH"),
)
_SHORTEST = 3


class Names(NamedTuple):
    """Names as they are written, with a capital."""

    given: frozenset[str]
    family: frozenset[str]
    # These say something only beside another name.
    further: frozenset[str]

    def know(self, name: str) -> bool:
        """Say whether anybody is called so."""
        return name in self.given or name in self.family or name in self.further


NO_NAMES = Names(frozenset(), frozenset(), frozenset())


@cache
def listed_names() -> Names:
    """Read Faker's lists of names (MIT); they are loaded by the first text that is looked at."""
    given = {name for locale in _LOCALES for name in _names_of(locale, "first")}
    family = {name for locale in (*_LOCALES, *_NEIGHBOURS) for name in _names_of(locale, "last")}
    # What is a family's name as well, `Hudson`, says less where it stands alone.
    given |= {name for locale in _NEIGHBOURS for name in _names_of(locale, "first")} - family
    further = {
        name for locale in _FURTHER for which in ("first", "last") for name in _names_of(locale, which)
    }
    return Names(frozenset(given), frozenset(family), frozenset(further - given - family))


def _names_of(locale: str, which: str) -> Iterator[str]:
    provider = import_module(f"faker.providers.person.{locale}").Provider
    for attribute in dir(provider):
        if "names" in attribute and attribute.startswith(which):
            yield from _words(getattr(provider, attribute))


def _words(names: object) -> Iterator[str]:
    """Yield single names; weighted lists come as mappings, and methods have names like lists."""
    if isinstance(names, dict | list | tuple):
        for name in names:
            if isinstance(name, str) and len(name) >= _SHORTEST and name.isalpha() and name[:2].istitle():
                yield name
