"""A policy set as YAML text and as a folder with one file a namespace."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flowkit.contract.replacing import replacing
from flowkit.errors import FlowkitError, PolicyError
from flowkit.policy.model import NetworkPolicy
from flowkit.policy.render.cilium import Known, ciliumnetworkpolicy
from flowkit.policy.render.manifests import networkpolicy
from flowkit.policy.render.remarks import Remarks, of_policy, remarks
from flowkit.policy.render.text import comment, commented_policy, stream

if TYPE_CHECKING:
    from flowkit.policy.policyset import PolicySet

FORMS = ("networkpolicy", "cilium")
_MADE = "made by flowkit"


def yaml_of(policies: PolicySet, form: str = "networkpolicy", names: Mapping[str, Iterable[str]] | None = None) -> str:
    """The whole set as one YAML stream; see `PolicySet.yaml`."""
    return stream(texts(policies, form, names).values())


def texts(policies: PolicySet, form: str, names: Mapping[str, Iterable[str]] | None = None) -> dict[str, str]:
    """The YAML of each namespace, by namespace, in sorted order; a namespace's policies keep theirs."""
    if form not in FORMS:
        raise PolicyError(f"no form '{form}' of policies: choose {' or '.join(FORMS)}")
    if policies.tiers:
        raise PolicyError(
            f"{len(policies.tiers)} cluster-wide policies cannot be written: keep the files they came from"
        )
    said, known = remarks(policies.evidence), Known.of(policies.evidence, names)
    by_namespace: dict[str, list[NetworkPolicy]] = {}
    for policy in policies.policies:
        by_namespace.setdefault(policy.namespace, []).append(policy)
    return {
        namespace: _head(namespace) + stream(_document(policy, form, said, known) for policy in by_namespace[namespace])
        for namespace in sorted(by_namespace)
    }


def _head(namespace: str) -> str:
    return comment(f"{_MADE}: policies of namespace {namespace}") + "\n"


def _document(policy: NetworkPolicy, form: str, said: Remarks, known: Known) -> str:
    if form == "cilium":
        return commented_policy(ciliumnetworkpolicy(policy, known), {})
    return commented_policy(networkpolicy(policy), of_policy(policy, said))


def save(policies: PolicySet, folder: Path, form: str = "networkpolicy", *, force: bool = False) -> Path:
    """Write a folder with one file a namespace, all or nothing; see `PolicySet.save`."""
    written = {f"{namespace}.yaml": text for namespace, text in texts(policies, form).items()}
    for name in written:
        if Path(name).name != name or name.startswith("."):
            raise PolicyError(f"namespace '{name.removesuffix('.yaml')}' is no name for a file")
    if folder.exists():
        _replace(folder, written, force=force)
    else:
        _fresh(folder, written)
    return folder


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a place for a set that is a file, or holds anything unless `force`; raises `FlowkitError`."""
    if folder.exists() and not folder.is_dir():
        raise FlowkitError(f"'{folder}' is a file: name a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise FlowkitError(f"'{folder}' is there already: give another name, or --force to replace it")


def _fresh(folder: Path, written: Mapping[str, str]) -> None:
    """Fill a folder beside the place, then put it there."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}.", dir=folder.parent))
    except OSError as error:
        raise FlowkitError(f"cannot write '{folder}': {error.strerror or error}") from error
    try:
        for name, text in written.items():
            (part / name).write_text(text, encoding="utf-8")
        part.chmod(0o755)
        part.rename(folder)
    except OSError as error:
        raise FlowkitError(f"cannot write '{folder}': {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _replace(folder: Path, written: Mapping[str, str], *, force: bool) -> None:
    """Replace the files of an earlier set; what flowkit did not make stays untouched."""
    check_folder(folder, force=force)
    there = {path.name: path for path in folder.iterdir()}
    for name, text in written.items():
        with replacing(folder / name) as out:
            out.write(text.encode("utf-8"))
    for name, path in there.items():
        if name not in written and _is_ours(path):
            path.unlink()


def _is_ours(path: Path) -> bool:
    if path.suffix != ".yaml" or not path.is_file():
        return False
    with path.open("rb") as stream_:
        return stream_.readline(200).startswith(f"# {_MADE}:".encode())
