"""Seeded flows like NetObserv's, as many as wanted: the data of the benchmarks.

A cluster of 500 workloads on 24 nodes with 40 external peers; 4,000 client → server : port edges of zipf weight; half of the
flows are answers; one minute a file of a million flows. A minute depends on the seed and its number alone, so every prefix of a
folder can be made again, and no more than one minute is ever in memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from flowkit.contract import FLAG_BITS, flag_names
from flowkit.contract.layout import VERSION, write_layout

SEED = 20251
ROWS_A_MINUTE = 1_000_000
START_MS = 1_760_000_040_000  # a whole minute
DATA = Path(__file__).parent / ".data"
WORKLOADS, NODES, EXTERNALS, EDGES = 500, 24, 40, 4_000
PORTS = np.array([443, 6443, 8080, 3100, 9091, 53, 5432, 6379, 9092, 8443, 9090, 2055, 80, 3306, 50051])
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Service", "CronJob")
LABELS = (
    "K8S_Name K8S_Type K8S_Namespace K8S_OwnerName K8S_OwnerType K8S_HostIP K8S_HostName K8S_Zone SubnetLabel".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class World:
    """Endpoints by number (addresses and what NetObserv says of each), entities as ranges of them, edges between entities."""

    endpoints: pd.DataFrame
    first: np.ndarray
    count: np.ndarray
    client: np.ndarray
    server: np.ndarray
    port: np.ndarray
    proto: np.ndarray
    weight: np.ndarray


@cache
def world() -> World:
    """The cluster, the same every time."""
    random = np.random.default_rng(SEED)
    entities = [*_workloads(random), *_nodes(), *_externals()]
    ends = pd.DataFrame([end for entity in entities for end in entity]).astype({"Addr": "str"})
    count = np.array([len(entity) for entity in entities])
    client, server = (random.integers(0, len(entities), EDGES) for _ in range(2))
    client[:200], server[200:400] = (
        random.integers(0, 3, 200),
        random.integers(0, 3, 200),
    )  # the pipeline itself is busy
    port = PORTS[np.minimum(random.zipf(1.5, EDGES) - 1, len(PORTS) - 1)]
    port = np.where(random.random(EDGES) < 0.1, random.integers(1024, 32768, EDGES), port)
    proto = np.where((port == 53) | (random.random(EDGES) < 0.03), 17, np.where(random.random(EDGES) < 0.01, 1, 6))
    weight = random.permutation(1 / np.arange(1, EDGES + 1) ** 1.1)
    return World(ends, np.cumsum(count) - count, count, client, server, port, proto, weight / weight.sum())


def _workloads(random):
    namespaces = ["netobserv", "openshift-monitoring", "openshift-console", "loki", "default"]
    namespaces += [f"team-{number:02d}" for number in range(35)]
    for number in range(WORKLOADS):
        namespace = namespaces[0] if number < 3 else namespaces[int(random.integers(0, len(namespaces)))]
        kind = str(random.choice(KINDS, p=[0.6, 0.15, 0.1, 0.1, 0.05]))
        name = f"wl-{number:03d}-{('api', 'web', 'db', 'cache', 'job')[number % 5]}"
        pods = 1 if kind == "Service" else int(random.integers(1, 7))
        yield [_pod(number, pod, namespace, name, kind, int(random.integers(0, NODES))) for pod in range(pods)]


def _pod(number, pod, namespace, name, kind, node):
    owner = {"K8S_Namespace": namespace, "K8S_OwnerName": name, "K8S_OwnerType": kind}
    if kind == "Service":
        address = f"172.30.{number // 250}.{number % 250 + 1}"
        return {"Addr": address, "K8S_Name": name, "K8S_Type": "Service", "SubnetLabel": "Services", **owner}
    address = f"10.{128 + pod}.{number // 250}.{number % 250 + 1}"
    return {
        "Addr": address,
        "K8S_Name": f"{name}-{pod}",
        "K8S_Type": "Pod",
        "SubnetLabel": "Pods",
        **owner,
        **_host(node),
    }


def _host(node):
    name = f"ip-10-0-{node // 8}-{10 + node % 8}.compute.internal"
    return {
        "K8S_HostIP": f"10.0.{node // 8}.{10 + node % 8}",
        "K8S_HostName": name,
        "K8S_Zone": f"zone-{'abc'[node % 3]}",
    }


def _nodes():
    for node in range(NODES):
        host = _host(node)
        own = {"K8S_Name": host["K8S_HostName"], "K8S_Type": "Node"}
        owner = {"K8S_OwnerName": host["K8S_HostName"], "K8S_OwnerType": "Node"}
        yield [{"Addr": host["K8S_HostIP"], "SubnetLabel": "Machines", **own, **owner, **host}]


def _externals():
    for number in range(EXTERNALS):
        label = {} if number % 3 == 0 else {"SubnetLabel": f"EXT:service-{number:02d}"}
        form = "2600:1f{0:02x}::{1:x}" if number % 10 == 9 else "{0}.5.{1}.7"
        yield [{"Addr": form.format(3 + number, address), **label} for address in range(50)]


def minute(number: int, rows: int = ROWS_A_MINUTE) -> pd.DataFrame:
    """One minute of flows in the contract's form: categoricals, nullable integers, `Flags` as the bit set; by time."""
    here, random = world(), np.random.default_rng([SEED, number])
    edge = random.choice(EDGES, rows, p=here.weight)
    answer = random.random(rows) < 0.5
    client, server = (_end(here, side[edge], random) for side in (here.client, here.server))
    service, ephemeral = here.port[edge], random.integers(32768, 61000, rows)
    proto = here.proto[edge]
    end = START_MS + number * 60_000 + np.sort(random.integers(0, 60_000, rows))
    packets = np.minimum(random.zipf(1.6, rows), 100_000)
    columns = {
        "TimeFlowStartMs": _integers(end - np.minimum(random.exponential(3000, rows).astype("int64"), 60_000), "Int64"),
        "TimeFlowEndMs": _integers(end, "Int64"),
        "TimeReceived": _integers(end // 1000 + 1, "Int64"),
        **_side("Src", here, np.where(answer, server, client)),
        **_side("Dst", here, np.where(answer, client, server)),
        "SrcPort": _integers(np.where(answer, service, ephemeral), "UInt16", proto == 1),
        "DstPort": _integers(np.where(answer, ephemeral, service), "UInt16", proto == 1),
        "Proto": _integers(proto, "UInt8"),
        "IcmpType": _integers(np.where(answer, 0, 8), "UInt8", proto != 1),
        "Etype": _integers(np.full(rows, 2048), "UInt16"),
        "Dscp": _integers((random.random(rows) < 0.05) * 46, "UInt8"),
        "Flags": _integers(_flags(answer, random), "UInt16", proto != 6),
        "Bytes": _integers(packets * random.integers(52, 1400, rows), "UInt64"),
        "Packets": _integers(packets, "UInt64"),
        "FlowDirection": _integers(random.choice([0, 1, 2], rows, p=[0.45, 0.45, 0.1]), "UInt8"),
        "AgentIP": pd.Categorical.from_codes(
            random.integers(0, NODES, rows), [_host(n)["K8S_HostIP"] for n in range(NODES)]
        ),
        "K8S_ClusterName": pd.Categorical.from_codes(np.zeros(rows, dtype="int8"), ["hub"]),
        "K8S_FlowLayer": pd.Categorical.from_codes((random.random(rows) < 0.4).astype("int8"), ["app", "infra"]),
        "Sampling": _integers(np.ones(rows), "UInt32"),
    }
    return pd.DataFrame(columns)


def _end(here, entity, random):
    return here.first[entity] + (random.random(len(entity)) * here.count[entity]).astype("int64")


def _integers(values, dtype, missing=None):
    mask = np.zeros(len(values), dtype=bool) if missing is None else missing
    return pd.arrays.IntegerArray(np.asarray(values).astype(dtype.lower()), mask)


def _side(side, here, numbers):
    columns = {}
    for name in ("Addr", *LABELS):
        whole = here.endpoints[name].astype("category")
        codes = whole.cat.codes.to_numpy()[numbers]
        columns[side + name] = pd.Categorical.from_codes(codes, categories=whole.cat.categories)
    return columns


def _flags(answer, random):
    opened = random.random(len(answer)) < 0.35
    bits = np.where(opened, np.where(answer, FLAG_BITS["SYN_ACK"], FLAG_BITS["SYN"]), 0)
    chances = {"ACK": 0.93, "PSH": 0.75, "FIN_ACK": 0.3, "FIN": 0.05, "RST": 0.04, "RST_ACK": 0.003}
    for name, chance in chances.items():
        bits = bits | np.where(random.random(len(answer)) < chance, FLAG_BITS[name], 0)
    return bits


def plain_texts(flows: pd.DataFrame) -> pd.DataFrame:
    """The same flows as a frame nobody prepared: text as ``str``, `Flags` as lists of names."""
    texts = {name: flows[name].astype("str") for name in flows.columns if flows[name].dtype == "category"}
    return flows.assign(**texts, Flags=flag_names(flows["Flags"]).where(flows["Flags"].notna(), None))


def folder(kind: str, rows: int) -> Path:
    """The folder of `rows` flows, made if it is not there whole: `kind` is ``plain`` (NetObserv's columns) or ``own``."""
    path = DATA / (f"own{VERSION}-{rows}" if kind == "own" else f"{kind}-{rows}")
    if path.is_dir():
        return path
    part = path.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for number in range(-(-rows // ROWS_A_MINUTE)):
        flows = minute(number, min(ROWS_A_MINUTE, rows - number * ROWS_A_MINUTE))
        if kind == "own":
            write_layout(flows, part)
        else:
            flows.to_parquet(part / f"{number:05d}.parquet", index=False, compression="zstd", row_group_size=250_000)
    part.rename(path)
    return path
