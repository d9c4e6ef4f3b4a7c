"""Redaction by place: keys and tags that say their value is personal or secret."""

import re

from pydantic import JsonValue

from shared.redaction.kinds import Kind
from shared.redaction.pseudonyms import ANY_PSEUDONYM


_NOT_LETTERS = re.compile(r"[^a-z0-9]")

_BY_KEY = {
    Kind.EMAIL: "email emailaddress mail useremail customeremail contactemail emails",
    Kind.PHONE: (
        "phone phonenumber phonenumbers mobile mobilenumber telephone userphone userphonenumber "
        "customerphone contactphone contactphonenumber"
    ),
    Kind.ADDRESS: (
        "address streetaddress shippingaddress billingaddress useraddress homeaddress address1 "
        "address2 street"
    ),
    Kind.IP: (
        "ip ipaddress clientip clientipaddress remoteip remoteipaddress remoteaddr sourceip userip "
        "xforwardedfor xrealip cfconnectingip trueclientip"
    ),
    Kind.PERSON: "firstname lastname fullname username surname givenname familyname customername",
    Kind.USER: "userid userids customerid customerids usrid enduserid",
    Kind.BIRTH: "dob dateofbirth birthdate birthday",
    Kind.SESSION: "sessionid session sid xsessionid sessiontoken phpsessid jsessionid",
    Kind.SECRET: (
        "authorization proxyauthorization cookie cookies setcookie xapikey apikey appkey password passwd "
        "secret token accesstoken refreshtoken authtoken clientsecret privatekey xauthtoken"
    ),
}
_KIND_OF_KEY = {key: kind for kind, keys in _BY_KEY.items() for key in keys.split()}
SCHEMA_TYPES = frozenset(
    {
        *("string", "number", "integer", "boolean", "object", "array", "null", "any", "date", "datetime"),
        *("str", "int", "float", "bool", "list", "dict"),
    }
)
_SCHEMA_KEYS = frozenset(
    {
        *("type", "title", "description", "format", "enum", "const", "items", "prefixItems", "properties"),
        *("required", "default", "example", "examples", "pattern", "nullable", "optional", "deprecated"),
        *("readOnly", "writeOnly", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties"),
        *("maxProperties", "additionalProperties", "patternProperties", "propertyNames", "$ref", "$defs"),
        *("propertyOrdering", "anyOf", "oneOf", "allOf", "not", "definitions"),
    }
)
_SCHEMAS = frozenset({"anyOf", "oneOf", "allOf", "$ref"})
_USERS = frozenset(
    {"user", "users", "usr", "customer", "customers", "enduser", "profile", "passenger", "passengers"}
)
_DROPPED_TAGS = re.compile(r"(?i)(?:pii\s*[:._-]|(?:user|usr)\s*[:.])")
_USER_ID_TAGS = ("user.id:", "usr.id:")


def kind_of_key(key: str, parent: str = "") -> Kind | None:
    """Say what a key's value is, if the key tells; `user.name` and `name` under `user` are the same."""
    # `<ADDRESS_1>` is what we put in place of something: no key that tells what its value is.
    *above, last = key.split(".")
    if ANY_PSEUDONYM.search(last):
        return None
    name = _NOT_LETTERS.sub("", last.lower())
    holder = _NOT_LETTERS.sub("", (above[-1] if above else parent.rpartition(".")[2]).lower())
    if holder in _USERS and name == "id":
        return Kind.USER
    if holder in _USERS and name in ("name", "displayname"):
        return Kind.PERSON
    return _KIND_OF_KEY.get(name)


def describes(value: JsonValue) -> bool:
    """Tell a schema, which says what a field may hold, from what it holds."""
    if not isinstance(value, dict):
        return False
    told = value.get("type")
    types = told if isinstance(told, list) else [told]
    typed = all(isinstance(one, str) and one.lower() in SCHEMA_TYPES for one in types)
    known = all(key in _SCHEMA_KEYS or key.startswith("x-") for key in value)
    return known and (typed or not value.keys().isdisjoint(_SCHEMAS))


def user_id_of_tag(tag: str) -> str | None:
    """Return the user id that a tag carries, if it carries one."""
    return next((tag[len(prefix) :] for prefix in _USER_ID_TAGS if tag.lower().startswith(prefix)), None)


def is_dropped_tag(tag: str) -> bool:
    """Say whether a tag is left out whole: it exists to describe a person."""
    return _DROPPED_TAGS.match(tag.strip()) is not None
