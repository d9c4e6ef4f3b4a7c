"""Redaction by place: keys and tags that say their value is personal or secret."""

import re
from functools import lru_cache

from pydantic import JsonValue

from shared.redaction.kinds import Kind
from shared.redaction.pseudonyms import ANY_PSEUDONYM
from shared.redaction.words import words

_NOT_LETTERS = re.compile(r"[^a-z0-9]")
# `shippingAddress`, `shipping_address`, `HTTPHeader`: where one word of a key ends.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")

# What a key is called whole, or what its last words are: `billing_phone_number` ends like `phone_number`.
_BY_KEY = {
    Kind.EMAIL: "email emailaddress emails emailid mailaddress correo courriel",
    Kind.PHONE: (
        "phone phonenumber phonenumbers phones phoneno mobile mobilenumber mobilephone cellphone "
        "cellnumber telephone telephonenumber telefon telefono téléphone fax faxnumber whatsapp msisdn"
    ),
    Kind.ADDRESS: (
        "address streetaddress addressline addresses address1 address2 addressline1 addressline2 street "
        "streetname street1 street2 houseno housenumber anschrift adresse dirección direccion domicilio"
    ),
    Kind.POSTCODE: "postcode postalcode zip zipcode postleitzahl plz codepostal codigopostal",
    Kind.IP: (
        "ip ipaddress ipaddr ipv4 ipv6 clientip remoteip remoteaddr sourceip userip xforwardedfor xrealip "
        "cfconnectingip trueclientip"
    ),
    Kind.MAC: "macaddress macaddr",
    Kind.LOCATION: ("latitude longitude lat lng lon latlng geolocation gpscoordinates geocoordinates"),
    Kind.PERSON: (
        "firstname lastname fullname middlename username surname givenname familyname maidenname "
        "customername displayname nickname passengername guestname patientname employeename cardholder "
        "cardholdername nameoncard recipientname sendername contactname accountname accountholder "
        "accountholdername ownername legalname vorname nachname prenom prénom nombre apellido apellidos "
        "nomdefamille"
    ),
    Kind.HANDLE: "screenname twitterhandle instagramhandle discordhandle githublogin",
    Kind.USER: "userid userids customerid customerids usrid enduserid useruserid",
    Kind.BIRTH: (
        "dob dateofbirth birthdate birthday birthdatetime geburtsdatum datedenaissance fechadenacimiento"
    ),
    Kind.CARD: (
        "cardnumber creditcard creditcardnumber debitcard debitcardnumber cardno pan ccnumber cvv cvc "
        "cvv2 cardcvc lastfour last4 lastfourdigits cardlast4 cardlastfour"
    ),
    Kind.IBAN: ("iban ibannumber bankaccount bankaccountnumber accountiban routingnumber sortcode"),
    Kind.SSN: "ssn socialsecuritynumber socialsecurity usssn",
    Kind.NATIONALID: (
        "nationalid nationalidnumber taxid taxnumber taxidentificationnumber tin nin nino dni nie nif "
        "curp cpf pesel bsn aadhaar personnummer steuerid idcardnumber identitynumber"
    ),
    Kind.PASSPORT: "passport passportnumber passportno",
    Kind.LICENCE: (
        "driverlicense driverslicense driverlicensenumber driverslicensenumber drivinglicence "
        "drivinglicencenumber driverlicence licenseplate"
    ),
    Kind.SESSION: "sessionid session sid sessiontoken sessionkey phpsessid jsessionid",
    Kind.SECRET: (
        "authorization proxyauthorization wwwauthenticate cookie cookies setcookie apikey appkey password "
        "passwd passphrase pwd secret token accesstoken refreshtoken authtoken idtoken bearertoken "
        "csrftoken xsrftoken clientsecret privatekey secretkey accesskey secretaccesskey signingkey "
        "encryptionkey connectionstring credentials authheader authorizationheader pincode otp "
        "onetimecode securityanswer"
    ),
}
_KIND_OF_KEY = {key: kind for kind, keys in _BY_KEY.items() for key in keys.split()}
_HEADERS = words("headers requestheaders responseheaders httpheaders httprequestheaders httpresponseheaders")
# Of headers these say nothing of anybody, and how a call failed is read from them; the last four
# are how lists of headers are written.
_PLAIN_HEADERS = words(
    "accept acceptcharset acceptencoding acceptlanguage allow cachecontrol connection contentencoding "
    "contentlanguage contentlength contenttype date expires host retryafter server transferencoding vary "
    "xratelimitlimit xratelimitperiod xratelimitremaining xratelimitreset xratelimitname ratelimitlimit "
    "ratelimitremaining ratelimitreset name key header value values val"
)
_MOST_WORDS = 4
_LONGEST_KEY = 64
# Only whole: as the end of a longer key these mean something else, `prompt_token`, `cost_pan`.
_ONLY_WHOLE = words(
    "pan tin nin nie lat lon lng zip sid session token secret ip mail fax street mobile otp plz nombre "
    "credentials passport username displayname accountname nickname birthday addresses cookies"
)
# The others are secret if their value looks it: `reset_password: "requested"` says nothing.
_SECRET_ENDINGS = frozenset(
    {"authorization", "authorizationheader", "setcookie", "apikey", "clientsecret", "privatekey"}
)
# Addresses where nobody lives.
_NO_ADDRESS = words(
    "memory wallet contract server base host bind listen ethereum bitcoin token remote local network web "
    "site url queue broker return"
)
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
_USERS = words(
    "user users usr customer customers enduser profile passenger passengers traveler travelers traveller "
    "guest guests patient patients employee member contact recipient sender cardholder owner person people "
    "holder"
)
_DROPPED_TAGS = re.compile(r"(?i)(?:pii\s*[:._-]|(?:user|usr)\s*[:.])")
_USER_ID_TAGS = ("user.id:", "usr.id:")


@lru_cache(maxsize=8192)
def kind_of_key(key: str, parent: str = "") -> Kind | None:
    """Say what a key's value is, if the key tells; `user.name` and `name` under `user` are the same."""
    # `<ADDRESS_1>` is what we put in place of something: no key that tells what its value is.
    *above, last = key.split(".")
    if ANY_PSEUDONYM.search(last):
        return None
    return _kind_of_name(last, above[-1] if above else parent.rpartition(".")[2])


def _kind_of_name(last: str, holder: str) -> Kind | None:
    name = _NOT_LETTERS.sub("", last.lower()) if last.isascii() else last.lower()
    holder = _NOT_LETTERS.sub("", holder.lower())
    if holder in _USERS and name in ("id", "name", "first", "last"):
        return Kind.USER if name == "id" else Kind.PERSON
    if len(last) > _LONGEST_KEY:
        return None
    if holder in _HEADERS and name not in _PLAIN_HEADERS:
        return _KIND_OF_KEY.get(name) or _KIND_OF_KEY.get(name.removeprefix("x")) or Kind.SECRET
    if kind := _KIND_OF_KEY.get(name) or _KIND_OF_KEY.get(name.removeprefix("x")):
        return kind
    words = [word.lower() for word in _WORDS.findall(last)]
    for length in range(min(_MOST_WORDS, len(words) - 1), 0, -1):
        ending = "".join(words[-length:])
        kind = _KIND_OF_KEY.get(ending)
        if kind and ending not in _ONLY_WHOLE and (kind is not Kind.SECRET or ending in _SECRET_ENDINGS):
            return None if kind is Kind.ADDRESS and words[-length - 1] in _NO_ADDRESS else kind
    return None


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
