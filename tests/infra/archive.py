"""The source archive, built by the rule that Terraform's files state, and what a function from it is given.

The rule is read from `infra/archive.tf` and followed here in Python; a test holds it against Terraform's own
evaluation of the same expression.
"""

import re
import zipfile
from pathlib import Path
from typing import Any

from shared.topology import Function
from tests.conftest import ROOT
from tests.infra.declarations import deployment

# Where the archive lies unpacked in a deployed function.
WORKSPACE = "/workspace"
_RULE = re.compile(
    r"\$\{setunion\(\[\s*for file in fileset\(local\.root, \"\{(?P<folders>[\w,]+)\}/\*\*\"\) : file"
    r" if !can\(regex\(\"(?P<left_out>[^\"]+)\", file\)\)\s*\], \[\"(?P<beside>[\w.]+)\"\]\)\}"
)


def rule() -> str:
    """Read the expression that says which files the archive holds."""
    return re.sub(r"\s+", " ", str(deployment().locals["source_files"]))


def source_files(root: Path = ROOT) -> set[str]:
    """Name the archive's files, from the project's root."""
    told = _RULE.fullmatch(rule())
    assert told, f"the archive is made by another rule than this one follows: {rule()}"
    left_out = re.compile(told["left_out"].replace("\\\\", "\\"))
    found = {
        path.relative_to(root).as_posix()
        for folder in told["folders"].split(",")
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    return {name for name in found if not left_out.search(name)} | {told["beside"]}


def build_archive(path: Path) -> None:
    """Make the archive that Terraform uploads; like it, take no file that is not UTF-8."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(source_files()):
            archive.writestr(name, (ROOT / name).read_bytes().decode("utf-8"))


def environment_of(function: Function, project: str, root: Path) -> dict[str, str]:
    """Say what a deployed function's environment holds, with made-up secrets and the archive's root here.

    Beside what Terraform gives it stands what Cloud Run and the build set themselves.
    """
    modules = dict(
        deployment(
            project_id=project, firestore_database="(default)", firestore_collection_prefix="evalforge_"
        ).modules()
    )
    module = modules[function.name]
    given: dict[str, Any] = module.value(module.locals["environment"]) | module.variables["settings"]
    secrets = {name: f"made-up-{name.lower()}-of-forty-characters" for name in module.variables["secrets"]}
    return {
        **{name: _spelled(value) for name, value in given.items() if value is not None},
        **secrets,
        # Computed, which Terraform's own tests hold.
        "THREADS": str(function.threads),
        "PYTHONPATH": str(given["PYTHONPATH"]).replace(WORKSPACE, str(root)),
        "K_SERVICE": function.id,
        "FUNCTION_TARGET": function.name,
        # Of every function that is called over HTTP; what the entry point says of itself goes first.
        "FUNCTION_SIGNATURE_TYPE": "http",
    }


def _spelled(value: Any) -> str:
    """Spell a value as Terraform does where it makes a string of it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
