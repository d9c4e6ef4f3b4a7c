"""Deterministic ids: the same thing has the same id however often and in whatever order it arrives."""

from urllib.parse import quote

from shared.domain.canonical import digest

_LONGEST_ID = 1500  # bytes, as Firestore counts
_LONGEST_PLAIN = 400


def is_document_id(name: str) -> bool:
    """Say whether every backend takes this as a document's id; what none takes can be nowhere."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    reserved = name in (".", "..") or (name.startswith("__") and name.endswith("__"))
    return 0 < size <= _LONGEST_ID and "/" not in name and not reserved


def document_id(name: str) -> str:
    """Spell any string as a document id that every backend takes.

    Ids may not hold "/", be "." or "..", look like `__x__` or pass 1,500 bytes
    (Firestore), and trace ids are strings that callers chose.
    """
    spelled = quote(name, safe="", errors="surrogatepass").replace(".", "%2E").replace("~", "%7E")
    if spelled.startswith("__"):
        spelled = "%5F" + spelled[1:]
    if not spelled or len(spelled) > _LONGEST_PLAIN:
        return f"{spelled[:64]}~{digest(name)}"
    return spelled


def group_id(ml_app: str, env: str, signature_version: str, signature: str) -> str:
    """Name the group of all failures of one signature in one application and environment."""
    return "gr-" + digest(ml_app, env, signature_version, signature, length=24)


def suggestion_id(first_group_id: str, counter: int = 0) -> str:
    """Name the suggestion that a group founds; un-merging raises the counter."""
    return "sg-" + digest(first_group_id, str(counter), length=16)


def artifact_id(of_suggestion: str, kind: str, revision: int) -> str:
    """Name one revision of one artifact of a suggestion."""
    return f"{of_suggestion}-{kind}-{revision}"
