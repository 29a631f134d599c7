"""Names of outside addresses: tables of addresses and ranges, and what clients asked the DNS just before."""

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import ContractError
from flowkit.matrix.outside_names import asked_before, names_of
from tests.flows import exchange, flow, pod, table

WEB = pod("Src", "web")


def test_the_narrowest_entry_names_an_address_and_of_equals_the_last():
    names = pd.DataFrame(
        {
            "Addr": ["203.0.113.0/24", "203.0.113.9", "203.0.113.9", "2001:db8::/32", "::ffff:198.51.100.1"],
            "Name": ["Partner", "old.example", "new.example", "Six", "mapped.example"],
        }
    )
    asked = pd.Index(["203.0.113.9", "203.0.113.7", "2001:db8::5", "198.51.100.1", "192.0.2.1"])
    assert names_of(asked, names).where(lambda name: name.notna(), "").tolist() == [
        "new.example",
        "Partner",
        "Six",
        "mapped.example",
        "",
    ]


def test_an_entry_that_is_no_address_is_refused():
    with pytest.raises(ContractError, match="'nowhere' in a table of names is neither an address nor a CIDR"):
        names_of(pd.Index(["192.0.2.1"]), pd.DataFrame({"Addr": ["nowhere"], "Name": ["x"]}))


def asking(at, name, client="10.128.0.5"):
    return flow(f"{client}:40000", "10.128.0.2:53", Proto=17, DnsName=name, TimeFlowEndMs=at)


def test_the_last_outside_question_within_five_seconds_is_the_hint():
    dns = pd.DataFrame(
        [
            asking(1_000, "old.example."),
            asking(3_000, "s3.example."),
            asking(3_500, "shop.svc.cluster.local."),
            asking(3_900, "other.example.", client="10.128.0.6"),
        ]
    )
    unknown = pd.DataFrame({"client": ["10.128.0.5"] * 3, "first": [4_000, 9_000, 500]}, index=[7, 3, 5])
    assert asked_before(dns, unknown).to_dict() == {7: "s3.example", 3: "", 5: ""}


def test_external_shows_what_was_asked_but_labels_by_block():
    rows = [*exchange("10.128.0.5:50001", "203.0.113.9:443", **WEB)]
    flows = table(*rows, asking(int(rows[0].get("TimeFlowStartMs", 0)), "s3.example."))
    found = fk.external(flows)
    first = found[found["block"] == "203.0.113.0/24"]
    assert first[["asked", "label"]].values.tolist() == [["s3.example", "EXT:net_203_0_113_0_24"]]


def test_a_dns_server_is_not_called_what_was_asked_through_it():
    there = flow("10.128.0.5:40000", "203.0.113.53:53", proto=17, **WEB, DnsName="s3.example.", TimeFlowEndMs=1_000)
    back = flow("203.0.113.53:53", "10.128.0.5:40000", proto=17, **pod("Dst", "web"), TimeFlowEndMs=1_010)
    first = {**there, "TimeFlowStartMs": 900, "TimeFlowEndMs": 950, "SrcPort": 40001}
    again = {**back, "TimeFlowStartMs": 1_005, "DstPort": 40000}
    found = fk.external(table(first, {**there, "TimeFlowStartMs": 990}, again))
    assert found[found["role"] == "server"][["ports", "asked"]].values.tolist() == [["53/UDP", ""]]
