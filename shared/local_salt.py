"""The salt of whoever has set none: random, their own, the same for all their stores."""

import os
import secrets
from pathlib import Path

from shared.errors import ConfigError
from shared.redaction.pseudonyms import key_of
from shared.settings import SHORTEST_SALT, Settings


def local_salt(settings: Settings) -> bytes:
    """Use PII_SALT, else a random salt of the user's own, the same for all their stores."""
    return key_of(_local_secret(settings), settings.pii_salt_version)


def _local_secret(settings: Settings) -> bytes:
    if settings.pii_salt is not None:
        return settings.pii_salt.get_secret_value().encode()
    try:
        return _salt_in(Path.home() / ".config" / "evalforge")
    except (OSError, RuntimeError):
        # No home, or one that cannot be written: the store's own folder can.
        return _salt_in(settings.evalforge_store.parent)


def _salt_in(folder: Path) -> bytes:
    """Read a folder's salt file, made whole by whichever process comes first."""
    path = folder / "pii_salt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".pii_salt-{os.getpid()}-{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:
            # Some file systems know no links; there the first of two processes may lose its salt.
            draft.replace(path)
        draft.unlink(missing_ok=True)
    salt = path.read_bytes()
    if len(salt) < SHORTEST_SALT:
        raise ConfigError(f"{path} is too short to be a salt; remove it, and a new one is made")
    return salt
