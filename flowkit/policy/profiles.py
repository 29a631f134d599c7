"""What the network plugin makes of a policy where the API leaves it open: CNI profiles, as data.

Sources: Kubernetes' own conformance tests (generic), the documentation of OVN-Kubernetes and OpenShift (ovn), cilium#9209,
cilium#20550 and Cilium's documentation of entities (cilium). How each is known stands in docs/policies.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowkit.errors import PolicyError
from flowkit.manifests.node import hint


@dataclass(frozen=True)
class Profile:
    """One plugin's reading. Each field is a question the API leaves open.

    `blocks_match_pods` and `blocks_match_nodes`: does an ``ipBlock`` match their addresses? `named_ports`: or does a rule with
    a name open the whole protocol? `host_pods_by_selector`: is a node matched by a ``podSelector`` that selects one of its
    host-network pods? `host_namespace`: labels of the namespace that stands for nodes as ingress peers. `own_node_egress`: is
    egress to a pod's own node judged as any other, or left undecided where it is not admitted?
    """

    name: str
    blocks_match_pods: bool = True
    blocks_match_nodes: bool = True
    named_ports: bool = True
    host_pods_by_selector: bool = False
    host_namespace: tuple[tuple[str, str], ...] = ()
    own_node_egress: str = "judged"


GENERIC = Profile("generic", own_node_egress="undecided")
OVN = Profile(
    "ovn",
    named_ports=False,
    host_pods_by_selector=True,
    host_namespace=(
        ("kubernetes.io/metadata.name", "openshift-host-network"),
        ("policy-group.network.openshift.io/host-network", ""),
    ),
)
CILIUM = Profile("cilium", blocks_match_pods=False, blocks_match_nodes=False)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (GENERIC, OVN, CILIUM)}


def profile_of(name: str | Profile) -> Profile:
    """The profile of a name; raises `PolicyError` with a hint for a name that is none.

    >>> profile_of("cilium").blocks_match_pods
    False
    """
    if isinstance(name, Profile):
        return name
    if name not in PROFILES:
        raise PolicyError(f"no profile '{name}': {', '.join(PROFILES)}.{hint(name, PROFILES)}")
    return PROFILES[name]
