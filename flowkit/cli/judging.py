"""``flowkit explain`` and ``flowkit policy judge``: what a policy set says to one connection, and to every flow."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

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


class ExplainFormat(StrEnum):
    """How an explanation is printed."""

    text = "text"
    json = "json"


def explain(
    source: Annotated[str, typer.Argument(metavar="SRC", help="namespace/workload, a pod, a node or an address.")],
    server: Annotated[str, typer.Argument(metavar="DST:PORT[/PROTO]", help="The same with a port; tcp if not told.")],
    policies: Policies,
    cluster: Inventory,
    profile: ProfileOption = ProfileName.generic,
    format_: Annotated[ExplainFormat, typer.Option("--format", help="How to print.")] = ExplainFormat.text,
) -> None:
    """Explain one connection: allowed or denied, by which rule of which policy, or what is missing.

    Example: flowkit explain shop/frontend data/redis:6379 --policies policies/ --cluster cluster.json
    """
    import json

    from flowkit.contract.plain import plain
    from flowkit.policy.explain import Question
    from flowkit.policy.explain import explain as explained

    found = explained(policies, Question.parse(source, server), cluster, profile.value)
    if format_ is ExplainFormat.json:
        print_text(json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n", None, force=False)
    else:
        print_text("".join(f"{plain(line)}\n" for line in found.lines()), None, force=False)


def judge(
    flows: Flows,
    policies: Policies,
    cluster: Inventory,
    profile: ProfileOption = ProfileName.generic,
    subnets: Subnets = None,
    format_: Format = None,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Print every flow with its verdict, the policy and rule behind it, and the reason.

    Example: flowkit policy judge flows.parquet --policies policies/ --cluster cluster.json --format csv
    """
    import flowkit as fk

    named = read_flows(flows, cluster, subnets)
    with working("judging"):
        table = fk.judge(policies, named, cluster, profile.value)
    form = chosen(format_, output)
    print_table(table[_SHORT] if form is TableFormat.text else table, form, output, force=force)
    say(fk.provenance(table))


# What a person reads; files and programs get every column.
_SHORT = ["SrcAddr", "DstAddr", "DstPort", "Proto", "verdict", "policy", "rule", "direction", "reason"]
