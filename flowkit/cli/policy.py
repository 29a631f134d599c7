"""``flowkit policy synthesise``, ``check`` and ``diff``: policies made of flows, held against flows, and compared."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowkit.cli.options import (
    Flows,
    Force,
    Format,
    Inventory,
    Output,
    Policies,
    ProfileName,
    ProfileOption,
    Subnets,
    TableFormat,
)
from flowkit.cli.output import chosen, print_table, print_text, read_flows, say, working

if TYPE_CHECKING:
    import pandas as pd

    from flowkit.policy.check import Check


class DefaultDeny(StrEnum):
    """Where everything that no rule allows is denied."""

    gated = "gated"
    always = "always"
    never = "never"


class CheckFormat(StrEnum):
    """How a check is printed."""

    text = "text"
    json = "json"
    sarif = "sarif"
    markdown = "markdown"


class Form(StrEnum):
    """As which kind of object policies are written."""

    networkpolicy = "networkpolicy"
    cilium = "cilium"


def synthesise(
    flows: Flows,
    cluster: Inventory,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write, one file a namespace.")],
    profile: ProfileOption = ProfileName.generic,
    subnets: Subnets = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="Only these namespaces; give it once for each.", show_default="all but the platform's"),
    ] = None,
    default_deny: Annotated[
        DefaultDeny, typer.Option(help="Deny by default where coverage permits, always or never.")
    ] = DefaultDeny.gated,
    widen: Annotated[
        float | None,
        typer.Option(help="Outside addresses as prefixes of which at least this share was seen.", show_default="exact"),
    ] = None,
    anywhere: Annotated[
        int | None,
        typer.Option(help="From so many outside addresses on one port on allow every one.", show_default="never"),
    ] = None,
    form: Annotated[
        Form | None, typer.Option(help="Kind of object.", show_default="cilium for that profile, else networkpolicy")
    ] = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Write the policies that allow what was seen, and print their verification.

    Example: flowkit policy synthesise flows.parquet --cluster cluster.json --profile ovn -o policies
    """
    import flowkit as fk
    from flowkit.policy.render.rendering import check_folder

    check_folder(output, force=force)
    named = read_flows(flows, cluster, subnets)
    with working("making policies"):
        spaces = tuple(namespace or ())
        options = fk.Options(namespaces=spaces, default_deny=default_deny.value, widen=widen, anywhere=anywhere)
        inventory = fk.Inventory.load(cluster)
        policies = fk.synthesise(fk.matrix(named), inventory, profile.value, subnets=subnets, options=options)
        verification = fk.verify(policies, named, inventory, profile.value)
    kind = form or (Form.cilium if profile is ProfileName.cilium else Form.networkpolicy)
    typer.echo(policies.save(output, kind.value, force=force))
    _remarks(policies)
    _costs(verification.tightness)
    typer.echo(verification.line, err=True)


def _remarks(policies: object) -> None:
    """Say on stderr what was left out, widened or guessed, by kind and reason."""
    from flowkit.contract.plain import plain

    findings = getattr(policies, "findings", None)
    if findings is not None and len(findings):
        for (kind, reason), count in findings.groupby(["finding", "reason"], sort=True).size().items():
            typer.echo(f"{kind}: {count} × {plain(reason)}", err=True)
    for note in getattr(policies, "notes", ()):
        typer.echo(plain(note), err=True)


def _costs(tightness: pd.DataFrame) -> None:
    """Say on stderr how many cells are allowed that nobody used, and why."""
    from flowkit.contract.plain import plain

    for cause, rows in tightness.groupby("cause", sort=True):
        cells, example = int(rows["cells"].sum()), plain(rows["example"].iloc[0])
        typer.echo(f"{cause}: {cells:,} cells allowed and never seen, such as {example}", err=True)


def check(
    flows: Flows,
    policies: Policies,
    cluster: Inventory,
    profile: ProfileOption = ProfileName.generic,
    subnets: Subnets = None,
    fail_on: Annotated[str, typer.Option(help="Kinds of findings that fail: denied, unused, untested.")] = "denied",
    format_: Annotated[CheckFormat, typer.Option("--format", help="How to print.")] = CheckFormat.text,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Hold policies against observed flows; exit 1 when findings of a kind in --fail-on are there.

    Example: flowkit policy check flows.parquet --policies policies/ --cluster cluster.json --fail-on denied,unused
    """
    import flowkit as fk
    from flowkit.policy.check import check as checked

    kinds = [kind.strip() for kind in fail_on.split(",") if kind.strip()]
    loaded = fk.PolicySet.load(policies)
    named = read_flows(flows, cluster, subnets)
    with working("checking policies"):
        found = checked(loaded, named, cluster, profile.value)
        failing = found.failing(kinds)
    print_text(_printed(found, format_, policies), output, force=force)
    for note in loaded.notes:
        typer.echo(note, err=True)
    typer.echo(found.line, err=True)
    if len(failing):
        raise typer.Exit(1)


def _printed(found: Check, format_: CheckFormat, folder: Path) -> str:
    import flowkit as fk
    from flowkit.contract.at_rest import json_records
    from flowkit.policy.render.sarif import sarif
    from flowkit.policy.render.summary import markdown
    from flowkit.view.terminal import text_table

    if format_ is CheckFormat.sarif:
        return sarif(found.findings, folder, fk.__version__)
    if format_ is CheckFormat.markdown:
        return markdown(found.findings, found.line)
    writer = json_records if format_ is CheckFormat.json else text_table
    return writer(found.findings).rstrip("\n") + "\n"


def diff(
    before: Annotated[Path, typer.Argument(help="Policies: file or folder.", show_default=False)],
    after: Annotated[Path, typer.Argument(help="Policies: file or folder.", show_default=False)],
    cluster: Inventory,
    profile: ProfileOption = ProfileName.generic,
    format_: Format = None,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """List what two policy sets judge differently: connections, not lines of YAML.

    Example: flowkit policy diff policies-old policies-new --cluster cluster.json
    """
    import flowkit as fk

    with working("comparing policies"):
        table = fk.policy_diff(fk.PolicySet.load(before), fk.PolicySet.load(after), cluster, profile.value)
    print_table(table, chosen(format_, output) or TableFormat.text, output, force=force)
    say(fk.provenance(table))
