"""Who has which address, and what an incomplete inventory still tells."""

from __future__ import annotations

import json

import pytest

import flowkit as fk
from flowkit.enrich import Inventory, InventoryWarning, objects
from flowkit.errors import SpecError
from tests.enrich.cluster import CLUSTER, OBJECTS
from tests.flows import flow, table


def without(*kinds):
    return {"kind": "List", "items": [item for item in OBJECTS if item["kind"] not in kinds]}


def test_owners_climb_and_a_bare_pod_owns_itself():
    identities = Inventory.load(CLUSTER).identities
    owner = {address: (who.owner_type, who.owner_name) for address, who in identities.items()}
    assert owner == {
        "10.128.0.5": ("Deployment", "web"),
        "10.129.0.6": ("StatefulSet", "db"),
        "10.128.0.7": ("DaemonSet", "flowlogs-pipeline"),
        "10.128.0.9": ("Pod", "alone"),
        "10.0.0.11": ("Node", "node-a"),
        "10.0.0.12": ("Node", "node-b"),
        "172.30.0.9": ("Service", "api"),
        "172.30.0.1": ("Service", "kubernetes"),
    }


@pytest.mark.parametrize("kind", ["Node", "Service", "ReplicaSet"])
def test_a_missing_kind_gives_one_warning_and_what_is_left(kind):
    with pytest.warns(InventoryWarning, match=f"it holds no {kind}s") as caught:
        inventory = Inventory.load(without(kind, "Deployment") if kind == "ReplicaSet" else without(kind))
    assert len(caught) == 1
    assert inventory.identities["10.128.0.5"].owner_name == "web"
    assert inventory.identities["10.0.0.11"].type == "Node"
    assert inventory.node_addresses["node-b"] == "10.0.0.12"


def test_a_replica_set_that_is_not_templated_stays_itself():
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", "ownerReferences": [{"kind": "ReplicaSet", "name": "own"}]},
        "status": {"podIP": "10.1.1.1"},
    }
    with pytest.warns(InventoryWarning):
        assert Inventory.load({"kind": "List", "items": [pod]}).identities["10.1.1.1"].owner_type == "ReplicaSet"


def test_two_running_pods_on_one_address_are_said_and_an_ended_one_yields():
    def pod(name, phase):
        return {"kind": "Pod", "metadata": {"name": name}, "status": {"podIP": "10.128.0.5", "phase": phase}}

    with pytest.warns(InventoryWarning, match="1 addresses belong to several running pods"):
        Inventory.load({"kind": "List", "items": [*OBJECTS, pod("b", "Running")]})
    ended_first = {"kind": "List", "items": [pod("done", "Succeeded"), *OBJECTS]}
    assert Inventory.load(ended_first).identities["10.128.0.5"].name == "web-7d9-x"


def test_an_inventory_of_nothing_is_refused(tmp_path):
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps({"kind": "List", "items": []}))
    with pytest.raises(SpecError, match=r"cluster\.json: no pod, node or Service with an address"):
        Inventory.load(path)


def test_a_folder_of_files_is_one_inventory(tmp_path):
    for number, item in enumerate(OBJECTS):
        (tmp_path / f"{number}.json").write_text(json.dumps(item))
    assert Inventory.load(tmp_path).identities == Inventory.load(CLUSTER).identities


def test_cyclic_owners_end():
    pod = {"kind": "Pod", "metadata": {"name": "p", "ownerReferences": [{"kind": "ReplicaSet", "name": "r"}]}}
    pod["status"] = {"podIP": "10.9.9.9"}
    ring = {"kind": "ReplicaSet", "metadata": {"name": "r", "ownerReferences": [{"kind": "ReplicaSet", "name": "r"}]}}
    with pytest.warns(InventoryWarning):
        assert Inventory.load({"kind": "List", "items": [pod, ring]}).identities["10.9.9.9"].owner_name == "r"


def test_secondary_networks_have_their_own_name():
    status = '[{"name": "ovn-kubernetes", "default": true, "ips": ["10.128.0.5"]}, {"name": "storage/vlan7", "ips": ["192.168.7.5"]}]'
    pod = OBJECTS[4] | {
        "metadata": OBJECTS[4]["metadata"] | {"annotations": {"k8s.v1.cni.cncf.io/network-status": status}}
    }
    identities = Inventory.load({"kind": "List", "items": [*OBJECTS[:4], *OBJECTS[5:], pod]}).identities
    assert {address: identities[address].network for address in ("10.128.0.5", "192.168.7.5")} == {
        "10.128.0.5": "primary",
        "192.168.7.5": "storage/vlan7",
    }


@pytest.mark.parametrize("status", ["", "{", "[1]", '{"name": "x"}', '[{"ips": null}]'])
def test_a_broken_network_status_is_no_network(status):
    pod = OBJECTS[4] | {
        "metadata": OBJECTS[4]["metadata"] | {"annotations": {"k8s.v1.cni.cncf.io/network-status": status}}
    }
    assert "10.128.0.5" in Inventory.load({"kind": "List", "items": [*OBJECTS, pod]}).identities


def test_without_endpoint_slices_a_service_has_the_pods_it_selects():
    def pod(name, address, port):
        container = {"ports": [{"name": "http", "containerPort": port}]}
        return {
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": "api", "x": name}},
            "spec": {"containers": [container]},
            "status": {"podIPs": [{"ip": address}]},
        }

    service = {
        "kind": "Service",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "clusterIPs": ["172.30.0.9"],
            "selector": {"app": "api"},
            "ports": [{"port": 80, "targetPort": "http"}],
        },
    }
    items = [service, pod("a", "10.1.0.1", 8080), pod("b", "10.1.0.2", 9090), pod("c", "fd01::1", 8080), OBJECTS[0]]
    assert Inventory.load({"kind": "List", "items": items}).backends == {
        ("172.30.0.9", 80, 6): (("10.1.0.1", 8080, 6), ("10.1.0.2", 9090, 6))
    }


def test_an_address_that_is_none_belongs_to_whoever_spells_it_so_and_harms_nobody():
    odd = {"kind": "Pod", "metadata": {"name": "odd", "namespace": "n"}, "status": {"podIP": "no-address"}}
    flows = fk.enrich(table(flow("no-address", "10.128.0.5")), cluster={"kind": "List", "items": [*OBJECTS, odd]})
    assert flows[["SrcK8S_Name", "DstK8S_Name"]].values.tolist() == [["odd", "web-7d9-x"]]


def test_mapped_ipv6_is_the_ipv4_address_in_inventory_and_flows():
    mapped = {"kind": "Pod", "metadata": {"name": "mapped"}, "status": {"podIP": "::ffff:10.128.9.9"}}
    flows = table(flow("10.128.9.9", "[::ffff:10.128.0.5]"), flow("[::FFFF:a80:909]", "10.128.0.5"))
    named = fk.enrich(flows, cluster={"kind": "List", "items": [*OBJECTS, mapped]})
    assert named[["SrcK8S_Name", "DstK8S_Name"]].values.tolist() == [["mapped", "web-7d9-x"]] * 2


def test_an_owner_of_unknown_kind_is_the_workload():
    owners = [{"kind": "Rollout", "name": "canary"}]
    pod = {"kind": "Pod", "metadata": {"name": "p", "ownerReferences": owners}, "status": {"podIP": "10.9.9.9"}}
    who = Inventory.load({"kind": "List", "items": [*OBJECTS, pod]}).identities["10.9.9.9"]
    assert (who.owner_type, who.owner_name) == ("Rollout", "canary")


def test_many_pods_load_in_one_go(tmp_path):
    pods = []
    for number in range(3_000):
        pod = json.loads(json.dumps(OBJECTS[4]))
        pod["metadata"] |= {"name": f"p{number}", "uid": str(number), "annotations": {"more": "x" * 2_000}}
        pod["status"] |= {"podIP": f"10.130.{number >> 8}.{number & 255}", "podIPs": []}
        pods.append(pod)
    path = tmp_path / "big.json"
    path.write_text(json.dumps({"kind": "List", "items": [*OBJECTS, *pods]}, indent=4))
    identities = Inventory.load(path).identities
    assert identities["10.130.11.183"].name == "p2999"
    assert {identities[pod["status"]["podIP"]].owner_name for pod in pods} == {"web"}


@pytest.mark.parametrize(
    ("annotation", "addresses"),
    [
        ('{"default": ["10.128.0.0/23", "fd01:0:0:1::/64"]}', ("10.0.0.11", "10.128.0.2", "fd01:0:0:1::2")),
        ('{"default": "10.128.0.0/23"}', ("10.0.0.11", "10.128.0.2")),
        ('{"blue": ["10.128.0.0/23"]}', ("10.0.0.11",)),
        ('{"default": ["nowhere"]}', ("10.0.0.11",)),
        ("not JSON", ("10.0.0.11",)),
        ("[]", ("10.0.0.11",)),
    ],
)
def test_a_node_also_has_ovns_management_address(annotation, addresses):
    node = {
        "metadata": {"name": "n", "annotations": {"k8s.ovn.org/node-subnets": annotation}},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.11"}]},
    }
    assert objects.nodes([node], [])["n"].addresses == addresses
