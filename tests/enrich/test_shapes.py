"""Objects of another shape than the API's are left out and said; whatever an inventory holds, reading it never breaks."""

from __future__ import annotations

import copy
import json
import random
import warnings

import pytest

import flowkit as fk
from flowkit.enrich.inventory import InventoryWarning
from flowkit.enrich.shapes import misshapen

ODD = (None, 0, 1.5, True, "", "x", "10.0.0.1", [], {}, [1], [[]], {"a": 1}, [None], "\x00", ["10.0.0.1", None])


@pytest.mark.parametrize(
    ("kind", "body", "complaint"),
    [
        ("Pod", {"metadata": {"name": "a"}, "status": {"podIPs": [{"ip": "10.0.0.1"}]}}, ""),
        ("Pod", {"metadata": None, "spec": None}, ""),
        ("Pod", {"metadata": "a"}, "metadata: must be a mapping"),
        ("Pod", {"metadata": {"labels": {"app": 1}}}, "metadata.labels.*: must be text"),
        ("Pod", {"metadata": {}, "status": {"podIPs": [None]}}, "status.podIPs[0]: is missing"),
        (
            "Pod",
            {"spec": {"containers": [{"ports": [{"containerPort": True}]}]}},
            "spec.containers[0].ports[0].containerPort: must be a whole number",
        ),
        ("Node", {"status": {"addresses": [{"type": "InternalIP"}]}}, "status.addresses[0].address: is missing"),
        ("Service", {"spec": {"ports": [{"targetPort": "http"}]}}, "spec.ports[0].port: is missing"),
        (
            "Service",
            {"spec": {"ports": [{"port": 80, "targetPort": 1.5}]}},
            "spec.ports[0].targetPort: must be a whole number or text",
        ),
        ("EndpointSlice", {"endpoints": {"addresses": []}}, "endpoints: must be a list"),
        ("Whatever", {"spec": 3}, "spec: must be a mapping"),
    ],
)
def test_the_first_part_that_is_wrong_is_named(kind, body, complaint):
    assert misshapen(body, kind) == complaint


def test_the_others_survive_and_the_loss_is_said():
    items = [
        {
            "kind": "Pod",
            "metadata": {"name": "good", "namespace": "a"},
            "status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
        },
        {"kind": "Pod", "metadata": {"name": ["bad"]}},
    ]
    with pytest.warns(InventoryWarning, match=r"1 Pod left out, first dict, items\[1\]: metadata.name: must be text"):
        inventory = fk.Inventory.load({"kind": "List", "items": items})
    assert inventory.identities["10.0.0.1"].name == "good"


def places(value, path=()):
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in steps:
        yield from places(part, (*path, key))


def mutated(objects, chance):
    objects = copy.deepcopy(objects)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        value = chance.choice(objects)
        *above, last = chance.choice([path for path in places(value) if path])
        for key in above:
            value = value[key]
        value[last] = copy.deepcopy(chance.choice(ODD))
    return objects


def test_no_inventory_breaks_the_reader(cluster):
    by_kind = {}
    for body in json.loads((cluster / "cluster.json").read_text())["items"]:
        by_kind.setdefault(body["kind"], []).append(body)
    few = [body for bodies in by_kind.values() for body in bodies[:2]]
    read = 0
    for seed in range(200):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InventoryWarning)
            read += bool(fk.Inventory.load({"kind": "List", "items": mutated(few, random.Random(seed))}).identities)
    assert read == 200
