"""The cluster as its API server would list it: one `List` as `kubectl get … -A -o json` prints it.

Names, uids and times follow from the definition, so the same scenario gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data.lab.endpoints import endpoint_slices
from data.lab.metadata import CREATED, Object, metadata, owner
from data.lab.model import Node, Port, Scenario, Service, ServicePort, Workload
from data.lab.placement import Pod, pods, pods_of, replica_set_name, suffix

CONTROLLERS = ("ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job")
API = {"Job": "batch/v1", "Node": "v1", "Pod": "v1"}
IMAGES = "registry.example/lab"


def cluster(scenario: Scenario) -> Object:
    """List nodes, namespaces, pods, services, their controllers and endpoint slices, in kubectl's order."""
    items = [
        *(node_object(node) for node in scenario.nodes),
        *(namespace_object(name) for name in namespaces(scenario)),
        *_sorted(pod_object(pod) for pod in pods(scenario)),
        *_sorted(service_object(service) for service in scenario.services),
        *(item for kind in CONTROLLERS for item in _sorted(controllers(scenario, kind))),
        *_sorted(endpoint_slices(scenario)),
    ]
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}


def _sorted(objects: Iterator[Object]) -> list[Object]:
    return sorted(objects, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"]))


def namespaces(scenario: Scenario) -> list[str]:
    """Name every namespace of the scenario, sorted."""
    return sorted({w.namespace for w in scenario.workloads} | {s.namespace for s in scenario.services})


def namespace_object(name: str) -> Object:
    """Write a namespace with the label that policies select it by."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": metadata("Namespace", "", name, {"kubernetes.io/metadata.name": name}),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def node_object(node: Node) -> Object:
    """Write a node with its zone and addresses."""
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "node-role.kubernetes.io/control-plane": "",
        "node-role.kubernetes.io/worker": "",
        "node.openshift.io/os_id": "rhcos",
        "topology.kubernetes.io/region": node.zone[:-1],
        "topology.kubernetes.io/zone": node.zone,
    }
    kinds = {"InternalIP": node.address, "InternalDNS": node.name, "Hostname": node.name}
    size = {"cpu": "4", "memory": "16093272Ki", "pods": "250"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata("Node", "", node.name, labels),
        "spec": {"podCIDR": node.pods4, "podCIDRs": [node.pods4, node.pods6]},
        "status": {
            "addresses": [{"address": address, "type": kind} for kind, address in kinds.items()],
            "allocatable": size,
            "capacity": size,
            "conditions": [condition("Ready", "KubeletReady")],
        },
    }


def condition(kind: str, reason: str = "") -> Object:
    """Write a condition that holds."""
    return {"lastTransitionTime": CREATED, "status": "True", "type": kind, **({"reason": reason} if reason else {})}


def pod_object(pod: Pod) -> Object:
    """Write a pod, as its controller made it and its kubelet reports it."""
    workload = pod.workload
    network = {"hostNetwork": True} if workload.host_network else {}
    started = {"state": {"running": {"startedAt": CREATED}}, "ready": True, "restartCount": 0, "started": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata("Pod", workload.namespace, pod.name, pod_labels(pod), pod_owner(pod)),
        "spec": {
            **network,
            "containers": containers(workload),
            "dnsPolicy": "ClusterFirst",
            "nodeName": pod.node.name,
            "restartPolicy": _restart(workload),
            "serviceAccountName": "default",
        },
        "status": {
            "conditions": [condition(kind) for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
            "containerStatuses": [{"image": _image(workload), "name": workload.name, **started}],
            "hostIP": pod.node.address,
            "hostIPs": [{"ip": pod.node.address}],
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": address} for address in pod.addresses],
            "qosClass": "BestEffort",
            "startTime": CREATED,
        },
    }


def pod_labels(pod: Pod) -> dict[str, str]:
    """Give a pod its workload's labels and those that the kind's controller adds."""
    workload = pod.workload
    revision = f"{workload.name}-{suffix(workload.key, 10)}"
    extra: dict[str, dict[str, str]] = {
        "Deployment": {"pod-template-hash": suffix(workload.key, 10)},
        "DaemonSet": {"controller-revision-hash": suffix(workload.key, 10), "pod-template-generation": "1"},
        "StatefulSet": {
            "apps.kubernetes.io/pod-index": pod.name.rpartition("-")[2],
            "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": pod.name,
        },
        "Job": {"batch.kubernetes.io/job-name": workload.name, "job-name": workload.name},
    }
    return {**workload.labels, **extra.get(workload.kind, {})}


def pod_owner(pod: Pod) -> Object | None:
    """Name who made a pod: nobody, its node, its controller, or its Deployment's ReplicaSet."""
    workload = pod.workload
    match workload.kind:
        case "Pod":
            return None
        case "Static":
            return owner("v1", "Node", "", pod.node.name)
        case "Deployment":
            return owner("apps/v1", "ReplicaSet", workload.namespace, replica_set_name(workload))
        case kind:
            return owner(API.get(kind, "apps/v1"), kind, workload.namespace, workload.name)


def containers(workload: Workload) -> list[Object]:
    """Write a workload's one container, with its ports and the probe of the scenario."""
    container: Object = {"image": _image(workload), "imagePullPolicy": "IfNotPresent", "name": workload.name}
    if workload.ports:
        container["ports"] = [_container_port(workload, port) for port in workload.ports]
    if workload.probe:
        http = {"httpGet": {"path": workload.probe_path, "port": workload.probe, "scheme": "HTTP"}}
        check = http if workload.probe_path else {"tcpSocket": {"port": workload.probe}}
        container["livenessProbe"] = {**check, "periodSeconds": 4, "timeoutSeconds": 3}
    return [container]


def _container_port(workload: Workload, port: Port) -> Object:
    host = {"hostPort": port.number} if workload.host_network else {}
    return {"containerPort": port.number, **host, "name": port.name, "protocol": port.protocol}


def _image(workload: Workload) -> str:
    return f"{IMAGES}/{workload.name}:1.0"


def service_object(service: Service) -> Object:
    """Write a Service."""
    addresses = [a for a in (service.address, service.address6) if a] or ["None"]
    families = ["IPv4", "IPv6"] if service.address6 else ["IPv4"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata("Service", service.namespace, service.name, dict(service.selector)),
        "spec": {
            "clusterIP": addresses[0],
            "clusterIPs": addresses,
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": families,
            "ipFamilyPolicy": "PreferDualStack" if service.address6 else "SingleStack",
            "ports": [_service_port(port) for port in service.ports],
            **({"selector": dict(service.selector)} if service.selector else {}),
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    }


def _service_port(port: ServicePort) -> Object:
    return {"name": port.name, "port": port.number, "protocol": port.protocol, "targetPort": port.target}


def controllers(scenario: Scenario, kind: str) -> Iterator[Object]:
    """Write the controllers of one kind; a ReplicaSet for each Deployment."""
    for workload in scenario.workloads:
        if workload.kind == kind or (kind == "ReplicaSet" and workload.kind == "Deployment"):
            yield controller(scenario, workload, kind)


def controller(scenario: Scenario, workload: Workload, kind: str) -> Object:
    """Write a controller, with its pod template and how many pods it has."""
    labels = dict(workload.labels)
    if kind == "ReplicaSet":
        labels["pod-template-hash"] = suffix(workload.key, 10)
    name = replica_set_name(workload) if kind == "ReplicaSet" else workload.name
    made_by = owner("apps/v1", "Deployment", workload.namespace, workload.name) if kind == "ReplicaSet" else None
    return {
        "apiVersion": API.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": metadata(kind, workload.namespace, name, labels, made_by),
        "spec": {
            **_size(workload, kind),
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _template(workload)},
        },
        "status": _status(kind, len(pods_of(scenario, workload.key))),
    }


def _template(workload: Workload) -> Object:
    network = {"hostNetwork": True} if workload.host_network else {}
    return {**network, "containers": containers(workload), "restartPolicy": _restart(workload)}


def _restart(workload: Workload) -> str:
    return "Never" if workload.kind == "Job" else "Always"


def _size(workload: Workload, kind: str) -> Object:
    match kind:
        case "DaemonSet":
            return {}
        case "Job":
            return {"completions": 1, "parallelism": 1}
        case "StatefulSet":
            return {"replicas": len(workload.nodes), "serviceName": workload.name}
        case _:
            return {"replicas": len(workload.nodes)}


def _status(kind: str, count: int) -> Mapping[str, Any]:
    match kind:
        case "DaemonSet":
            return {"currentNumberScheduled": count, "desiredNumberScheduled": count, "numberReady": count}
        case "Job":
            return {"active": 1, "ready": 1, "startTime": CREATED}
        case _:
            return {"availableReplicas": count, "observedGeneration": 1, "readyReplicas": count, "replicas": count}
