"""Subnets from a cluster's own objects."""

from __future__ import annotations

import flowkit as fk
from flowkit.enrich.openshift import DEFAULTS, detected
from flowkit.manifests.documents import load_objects
from tests.enrich.cluster import OBJECTS
from tests.flows import flow, table

NETWORK = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "Network",
    "metadata": {"name": "cluster"},
    "spec": {"externalIP": {"autoAssignCIDRs": ["192.0.2.0/24"]}},
    "status": {"clusterNetwork": [{"cidr": "10.132.0.0/14", "hostPrefix": 23}], "serviceNetwork": ["172.31.0.0/16"]},
}
INSTALL = {
    "kind": "ConfigMap",
    "metadata": {"name": "cluster-config-v1", "namespace": "kube-system"},
    "data": {"install-config": "networking:\n  machineNetwork:\n  - cidr: 10.9.0.0/16\n"},
}


def listed(*items):
    return load_objects({"kind": "List", "items": list(items)})


def test_in_upstreams_order():
    assert detected(listed(NETWORK, INSTALL)) == (
        ("Machines", ("10.9.0.0/16", "100.64.0.0/16", "100.88.0.0/16", "169.254.0.0/17")),
        ("Pods", ("10.132.0.0/14",)),
        ("Services", ("172.31.0.0/16",)),
        ("EXT:ExternalIP", ("192.0.2.0/24",)),
    )


def test_a_broken_install_config_leaves_the_default_machines():
    broken = INSTALL | {"data": {"install-config": "\t: ["}}
    assert detected(listed(NETWORK, broken))[0][1] == ("100.64.0.0/16", "100.88.0.0/16", "169.254.0.0/17")
    assert detected(listed(NETWORK))[0][1] == DEFAULTS[0][1]


def test_another_networks_kind_is_not_meant():
    assert detected(listed({"apiVersion": "operator.openshift.io/v1", "kind": "Network"})) == ()


def test_the_inventory_hands_them_to_the_labels():
    collector = {"kind": "FlowCollector", "spec": {"processor": {"subnetLabels": {"openShiftAutoDetect": True}}}}
    flows = fk.enrich(
        table(flow("10.132.0.5:1", "10.128.0.5:2")),
        cluster={"kind": "List", "items": [*OBJECTS, NETWORK]},
        subnets=collector,
    )
    labels = flows[["SrcSubnetLabel", "DstSubnetLabel"]].astype(object)
    assert labels.where(labels.notna(), None).values.tolist() == [["Pods", None]]
