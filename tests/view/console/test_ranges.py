"""Ranges of addresses against Python's ipaddress."""

import ipaddress

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from flowkit.view.console.ranges import Range, bounds, with_ranges

ADDRESSES = st.lists(st.ip_addresses().map(str) | st.just("shop") | st.none(), min_size=1, max_size=8)


@given(ADDRESSES, st.ip_addresses(), st.integers(0, 128))
def test_a_cidr_holds_what_python_says(addresses, base, prefix):
    network = ipaddress.ip_network(f"{base}/{min(prefix, base.max_prefixlen)}", strict=False)
    first, last = bounds(str(network))
    wanted = Range("SrcAddr", first, last)
    flows = pd.DataFrame({"SrcAddr": pd.Series(addresses, dtype="object")})
    expected = []
    for one in addresses:
        address = ipaddress.ip_address(one) if one not in (None, "shop") else None
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        expected.append(address is not None and address.version == network.version and address in network)
    assert with_ranges(flows, [wanted])[wanted.column].tolist() == expected


def test_what_is_no_range():
    wrong = ["", "shop", "10.0.0.1/x", "10.0.0.1-::1", "10.0.0.2-10.0.0.1", "10.0.0.1-", "1.2.3", "10.0.0.1/24/1"]
    assert [bounds(text) for text in wrong] == [None] * len(wrong)


def test_a_field_the_table_lacks_is_within_none():
    flows = pd.DataFrame({"SrcAddr": ["10.0.0.1"]})
    wanted = Range("DstAddr", b"\0" * 4, b"\xff" * 4)
    assert with_ranges(flows, [wanted])[wanted.column].tolist() == [False]
