"""df.flow: each word is the public function, and a table that is none is refused in words."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import ContractError
from flowkit.matrix.behind import between
from flowkit.view.times import timeline


def end(side: str, name: str) -> dict:
    namespace, workload = name.split("/")
    known = {"Namespace": namespace, "Type": "Pod", "Name": workload, "OwnerName": workload, "OwnerType": "Deployment"}
    address = f"10.0.{len(namespace)}.{sum(map(ord, workload)) % 250}"
    return {f"{side}Addr": address, **{f"{side}K8S_{field}": value for field, value in known.items()}}


def opening(client: str, server: str, port: int, low: int = 50_000) -> dict:
    times = {"TimeFlowStartMs": 1000, "TimeFlowEndMs": 3000}
    ports = {"SrcPort": low, "DstPort": port, "Proto": 6, "Flags": 18, "Bytes": 500, "Packets": 3}
    return {**times, **ports, **end("Src", client), **end("Dst", server)}


FLOWS = pd.DataFrame(
    [
        opening("shop/web", "shop/cart", 80),
        opening("shop/web", "shop/cart", 80, 50_001),
        opening("shop/web", "data/redis", 6379),
        opening("data/backup", "shop/cart", 81),
    ]
)


def test_each_word_is_a_function():
    assert FLOWS.flow.matrix().edges.equals(fk.matrix(FLOWS).edges)
    assert FLOWS.flow.matrix(by="namespace").by == "namespace"
    assert FLOWS.flow.external().equals(fk.external(FLOWS))
    assert FLOWS.flow.timeline(2).equals(timeline(FLOWS, 2))
    assert FLOWS.flow.between("shop", "data").equals(between(FLOWS, "shop", "data"))


def test_clients_and_servers_the_busiest_first():
    columns = ["endpoint", "peers", "ports", "connections"]
    assert FLOWS.flow.clients()[columns].to_numpy().tolist() == [["shop/web", 2, 2, 3], ["data/backup", 1, 1, 1]]
    assert FLOWS.flow.servers()[columns].to_numpy().tolist() == [["shop/cart", 2, 2, 3], ["data/redis", 1, 1, 1]]


def test_between_is_both_ways_and_by_namespace_or_workload():
    assert FLOWS.flow.between("shop", "data").index.tolist() == [2, 3]
    assert FLOWS.flow.between("data/backup", "shop/cart").index.tolist() == [3]
    assert FLOWS.flow.between("shop", "shop").index.tolist() == [0, 1]
    with pytest.raises(ContractError, match="no end 'shop/crt' in these flows. Did you mean 'shop/cart'?"):
        FLOWS.flow.between("shop/crt", "data")


def test_a_table_that_is_none_is_refused():
    with pytest.raises(AttributeError, match="no flow table: it has no column DstAddr and no Proto"):
        _ = FLOWS.drop(columns=["DstAddr", "Proto"]).flow


def test_it_is_known_once_flowkit_loads_pandas_and_loads_the_views_only_when_used():
    code = """import sys, flowkit
assert "pandas" not in sys.modules
flowkit.provenance
import pandas as pd
assert "flow" in pd.DataFrame._accessors and "flowkit.view" not in sys.modules
print(len(pd.DataFrame({"SrcAddr": ["10.0.0.1"], "DstAddr": ["10.0.0.2"], "Proto": [6]}).flow.matrix().edges))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")
