"""Subnet labels: first match, checked against a plain walk over the list as upstream does it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.enrich.addresses import pack
from flowkit.enrich.subnets import SubnetLabels
from flowkit.errors import SpecError

V4 = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
NEAR_V4 = st.integers(0, 255).map(lambda n: f"10.0.0.{n}")
V6 = st.integers(0, 2**16).map(lambda n: str(ipaddress.IPv6Address((0x2001DB8 << 96) + n)))
CIDRS = st.one_of(
    st.tuples(st.one_of(V4, NEAR_V4), st.integers(0, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(V6, st.integers(0, 128)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)


def walk(cidrs, address):
    """The first CIDR of the list that contains the address, as ``add_subnet_label``."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    for position, cidr in enumerate(cidrs):
        network = ipaddress.ip_network(cidr, strict=False)
        if network.version == ip.version and ip in network:
            return position
    return -1


@given(st.lists(CIDRS, max_size=12), st.lists(st.one_of(V4, NEAR_V4, V6), min_size=1, max_size=20))
def test_lookup_is_the_plain_walk(cidrs, addresses):
    addresses = [
        *addresses,
        "255.255.255.255",
        "0.0.0.0",
        "::ffff:10.0.0.1",
        "::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]
    labels = SubnetLabels.load({f"L{n}": [cidr] for n, cidr in enumerate(cidrs)})
    assert labels.lookup(pack(addresses)).tolist() == [walk(cidrs, address) for address in addresses]


COLLECTOR = """
apiVersion: flows.netobserv.io/v1beta2
kind: FlowCollector
metadata: {name: cluster}
spec:
  processor:
    subnetLabels:
      openShiftAutoDetect: true
      customLabels:
      - cidrs:
        - 16.12.20.0/24
        - 52.95.156.0/24
        - 3.5.204.0/22
        - 52.95.154.0/23
        - 16.12.18.0/23
        - 3.5.224.0/22
        - 13.36.84.48/28
        - 13.36.84.64/28
        name: "AWS_S3_eu-west-3"
"""


def test_the_articles_labels_then_openshifts(tmp_path):
    path = tmp_path / "flowcollector.yaml"
    path.write_text(COLLECTOR)
    labels = SubnetLabels.load(path)
    found = labels.lookup(pack(["3.5.205.175", "10.128.0.5", "10.0.0.11", "172.30.0.1", "fd01::7", "8.8.8.8"]))
    names = [labels.labels[at] if at >= 0 else None for at in found]
    assert names == ["AWS_S3_eu-west-3", "Pods", "Machines", "Services", "Pods", None]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"EXT:x": ["10.0.0.1"]}, "'10.0.0.1' of label 'EXT:x' is an address, not a CIDR"),
        ({"EXT:x": ["10.0.0.0/40"]}, "label 'EXT:x'"),
        ({"EXT:x": "10.0.0.0/8"}, "needs a list of CIDRs"),
        ({"no spaces": ["10.0.0.0/8"]}, "'no spaces' is not one NetObserv takes"),
    ],
)
def test_bad_labels_are_refused_with_the_way_out(labels, message):
    with pytest.raises(SpecError, match=message):
        SubnetLabels.load(labels)


def test_a_file_without_flow_collector_is_named(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("kind: ConfigMap\n")
    with pytest.raises(SpecError, match=r"other\.yaml: no FlowCollector"):
        SubnetLabels.load(path)


def test_slices_stand_between_custom_and_detected(tmp_path):
    (tmp_path / "a.yaml").write_text(COLLECTOR)
    slice_ = "kind: FlowCollectorSlice\nspec: {subnetLabels: [{name: Mine, cidrs: [10.128.0.0/24, 3.5.204.0/24]}]}\n"
    (tmp_path / "b.yaml").write_text(slice_)
    labels = SubnetLabels.load(tmp_path)
    found = labels.lookup(pack(["3.5.204.1", "10.128.0.5", "10.128.1.5"]))
    assert [labels.labels[at] for at in found] == ["AWS_S3_eu-west-3", "Mine", "Pods"]


def test_the_clusters_own_network_replaces_the_defaults(tmp_path):
    path = tmp_path / "flowcollector.yaml"
    path.write_text(COLLECTOR)
    labels = SubnetLabels.load(path, (("Pods", ("10.132.0.0/14",)),))
    assert labels.lookup(pack(["10.128.0.5"])).tolist() == [-1]


def test_several_sources_stand_one_after_the_other():
    labels = SubnetLabels.load([{"First": ["10.0.0.0/8"]}, {"Second": ["10.1.0.0/16", "11.0.0.0/8"]}])
    assert [labels.labels[at] for at in labels.lookup(pack(["10.1.0.1", "11.0.0.1"]))] == ["First", "Second"]


@given(st.lists(CIDRS, max_size=12), st.lists(st.one_of(V4, NEAR_V4, V6), min_size=1, max_size=10))
def test_longest_prefix_is_the_narrowest_that_contains(cidrs, addresses):
    labels = SubnetLabels.load({f"L{n}": [cidr] for n, cidr in enumerate(cidrs)}).longest_prefix_first()
    for address, at in zip(addresses, labels.lookup(pack(addresses)), strict=True):
        ip = ipaddress.ip_address(address)
        lengths = [n.prefixlen for n in labels.networks if n.version == ip.version and ip in n]
        assert (labels.networks[at].prefixlen if at >= 0 else None) == max(lengths, default=None)


@given(st.lists(CIDRS, max_size=12))
def test_hidden_cidrs_are_those_inside_an_earlier_one(cidrs):
    labels = SubnetLabels.load({f"L{n}": [cidr] for n, cidr in enumerate(cidrs)})
    nets = labels.networks
    inside = {
        labels.labels[b]
        for b in range(len(nets))
        if any(nets[a].version == nets[b].version and nets[b].subnet_of(nets[a]) for a in range(b))
    }
    assert set(labels.hidden()["label"]) == inside


def test_a_cidr_with_host_bits_is_masked():
    labels = SubnetLabels.load({"EXT:x": ["10.10.10.7/24", "2001:db8::7/64"]})
    assert [str(network) for network in labels.networks] == ["10.10.10.0/24", "2001:db8::/64"]
