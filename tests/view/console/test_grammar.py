"""The console's filter text: what it finds, against plain Python, and what it refuses."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.contract import FIELDS
from flowkit.errors import SpecError
from flowkit.transform import filter as rows_where
from flowkit.view.console import asked_for
from flowkit.view.console.filter_ids import FILTER_IDS
from flowkit.view.console.ranges import with_ranges

FLOWS = pd.DataFrame(
    {
        "SrcAddr": ["10.0.0.1", "10.0.1.9", "2001:db8::1", None, "::ffff:10.0.0.7"],
        "DstAddr": ["10.0.1.9", "8.8.8.8", "2001:db8::2", None, "10.0.0.1"],
        "SrcPort": pd.array([40000, 443, 53, None, 80], dtype="UInt16"),
        "DstPort": pd.array([443, 40000, 40001, None, 40002], dtype="UInt16"),
        "Proto": pd.array([6, 6, 17, None, 6], dtype="UInt8"),
        "Flags": pd.array([18, 256, None, None, 0], dtype="UInt16"),
        "SrcK8S_Namespace": ["shop", "Shop-web", None, None, ""],
        "DstK8S_Namespace": ["Shop-web", "bank", "a$(Proto)", None, "shop"],
        "SrcK8S_Type": ["Pod", "Pod", None, None, "Node"],
        "SrcK8S_Name": ["cart-1", "web.1", None, None, "ip-10.internal"],
        "SrcK8S_OwnerType": ["Deployment", "Deployment", None, None, "Node"],
        "SrcK8S_OwnerName": ["cart", "web", None, None, "ip-10.internal"],
        "Interfaces": [["eth0", "br-ex"], ["eth1"], [], None, ["eth0"]],
        "IfDirections": [[0, 1], [1], [], None, [0]],
        "FlowDirection": pd.array([0, 1, 2, None, 0], dtype="UInt8"),
        "TimeFlowRttNs": pd.array([100, 2_000_000, None, None, 5], dtype="Int64"),
        "NetworkEvents": [
            [{"Feature": "acl", "Action": "drop", "Name": "deny-all"}],
            [{"Feature": "acl", "Action": "allow", "Name": "web"}],
            [],
            None,
            None,
        ],
    }
)


def found(text, flows=FLOWS):
    asked = asked_for(text)
    return rows_where(with_ranges(flows, asked.ranges), asked.test).index.tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("src_namespace=shop", [0, 1]),  # contains, in any case
        ('src_namespace="shop"', [0]),  # exactly, case counts
        ('src_namespace="Shop-*"', [1]),
        ('src_namespace="*o*"', [0, 1]),
        ("src_namespace=s*w", [1]),
        ('src_namespace=""', [2, 3, 4]),  # absent and empty are one
        ('src_namespace!=""', [0, 1]),
        ('src_namespace!="shop"', [1, 2, 3, 4]),  # what is absent passes
        ('src_namespace="shop",""', [0, 2, 3, 4]),
        ('namespace="shop"', [0, 4]),  # either side
        ('namespace!="shop"', [1, 2, 3]),  # neither side
        ("namespace~SHOP", [0, 1, 4]),
        ("namespace!~shop", [2, 3]),
        ('dst_namespace="a$(Proto)"', [2]),  # no reference: text
        ("dst_namespace=$(proto)", [2]),
        ("src_kind=deployment", [0, 1]),
        ("src_resource=Deployment.shop.cart", [0]),
        ("src_resource=Pod.Shop-web.web.1", [1]),
        ("resource=Node.ip-10.internal", [4]),
        ("src_address=10.0.0.0/24", [0, 4]),  # IPv4-mapped as IPv4
        ("address=10.0.1.9", [0, 1]),
        ("src_address=10.0.0.2-10.0.1.255", [1, 4]),
        ("address=2001:db8::/32", [2]),
        ("src_address=::/0", [2]),
        ('src_address=""', [3]),
        ("address!=10.0.0.0/8", [2, 3]),
        ("port=https", [0, 1]),
        ("dst_port=443,40002", [0, 4]),
        ("dst_port>=40001", [2, 4]),
        ("port!=443", [2, 3, 4]),
        ("protocol=udp", [2]),
        ("protocol=TCP&src_port=http", [4]),
        ("protocol=17|src_port=80", [2, 4]),
        ("tcp_flags=syn", [0]),
        ("tcp_flags=256,ACK", [0, 1]),
        ('tcp_flags=""', [2, 3, 4]),
        ("tcp_flags!=SYN", [1, 2, 3, 4]),
        ("interfaces=ETH0", [0, 4]),
        ('interfaces="br-ex"', [0]),
        ('interfaces=""', [2, 3]),
        ("ifdirections=egress", [0, 1]),
        ("node_direction=Inner", [2]),
        ("time_flow_rtt>=1000", [1]),
        ("time_flow_rtt=5", [4]),
        ("network_events=drop", [0]),
        ('network_events="web"', [1]),
        ('network_events=""', [2, 3, 4]),
        ("zone=a", []),  # a field the table lacks is missing in every row
        (' src_namespace = "shop" & dst_port = 443 ', [0]),
    ],
)
def test_finds(text, rows):
    assert found(text) == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("src_namespce=a", "did you mean 'src_namespace'?"),
        ("", "is no filter"),
        ("src_namespace", "is no filter"),
        ("a=1&", "no filter 'a'"),
        ("src_namespace=", 'write src_namespace=""'),
        ("src_namespace=a,", "a value is missing"),
        ('src_namespace="a', "a double quote is missing"),
        ("port=htpp", "takes a number or a name"),
        ("src_address=10.0.0.0/33", "takes an address, a CIDR"),
        ("src_address=10.0.0.9-10.0.0.1", "takes an address, a CIDR"),
        ("src_address=shop", "takes an address"),
        ("dns_latency=nan", "takes a number"),
        ("dns_latency>=inf", "takes a number"),
        ("name>=3", "has no '>='"),
        ("tcp_flags=NEW", "takes FIN, SYN"),
        ("resource=cart", "takes Kind.namespace.name"),
        ("x\x1b[2J=1", "is no filter"),
        ("name=a" * 5000, "longer than"),
        ("&".join(["id=a"] * 1001), "more than 1,000"),
    ],
)
def test_refuses_with_the_way_out(text, says):
    with pytest.raises(SpecError) as error:
        asked_for(text)
    assert says in str(error.value)
    assert "\x1b" not in str(error.value)


def test_every_filter_looks_at_fields_of_the_contract():
    plain = [field for one in FILTER_IDS.values() if one.written != "resource" for field in one.fields]
    assert set(plain) <= set(FIELDS)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"'), max_size=8)
TRICKY = st.sampled_from(
    ["a.b", "(?i)a", "a|b", "a&b,c", "' OR 1=1 --", "$(Proto)", "\\E.*", "^a$", "[a]", "a\nb", "\\", "ß%_"]
)


def as_python(pattern, name):
    pieces = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    return re.fullmatch(pieces, name, re.DOTALL) is not None


@given(st.lists(NAMES | TRICKY, min_size=1, max_size=6), NAMES | TRICKY)
def test_quoted_text_is_exactly_that_text_whatever_it_is(names, wanted):
    flows = pd.DataFrame({"SrcK8S_Name": names})
    expected = [row for row, name in enumerate(names) if as_python(wanted, name)]
    assert found(f'src_name="{wanted}"', flows) == expected


ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"*,&|'), min_size=1, max_size=4)


@given(st.lists(ASCII, min_size=1, max_size=6), ASCII)
def test_plain_text_is_contained_in_any_case(names, wanted):
    flows = pd.DataFrame({"SrcK8S_Name": names})
    assert found(f"src_name={wanted}", flows) == [r for r, name in enumerate(names) if wanted.lower() in name.lower()]
