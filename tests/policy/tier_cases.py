"""Conformance cases of the cluster-wide tiers (network-policy-api, v1alpha1 and v1alpha2), and of the profiles; the cluster is
that of `cases`.
"""

from tests.policy.cases import DENY, egress, ingress


def cnp(
    rules: str,
    priority: int = 10,
    tier: str = "Admin",
    name: str = "c",
    subject: str = "{namespaces: {matchLabels: {ns: x}}}",
) -> str:
    """A ClusterNetworkPolicy."""
    return (
        f"{{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {{name: {name}{priority}}}, "
        f"spec: {{tier: {tier}, priority: {priority}, subject: {subject}, {rules}}}}}"
    )


def anp(rules: str, kind: str = "AdminNetworkPolicy") -> str:
    """An AdminNetworkPolicy, or the BaselineAdminNetworkPolicy."""
    priority = "priority: 5, " if kind == "AdminNetworkPolicy" else ""
    return (
        f"{{apiVersion: policy.networking.k8s.io/v1alpha1, kind: {kind}, metadata: {{name: default}}, "
        f"spec: {{{priority}subject: {{namespaces: {{matchLabels: {{ns: x}}}}}}, {rules}}}}}"
    )


def np(spec: str) -> str:
    """A NetworkPolicy in x."""
    body = spec if spec != DENY else "podSelector: {}, policyTypes: [Ingress, Egress]"
    body = body.replace("\n", ", ")
    return f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: n, namespace: x}}, spec: {{{body}}}}}"


ALL = "[{namespaces: {}}]"
Y = "[{namespaces: {matchLabels: {ns: y}}}]"
TIER = "clusternetworkpolicy_types.go, Tier"
ACTION = "clusternetworkpolicy_types.go, RuleAction"
PEERS = "clusternetworkpolicy_types.go, Peer"
PORTS = "clusternetworkpolicy_types.go, Protocol"
V1 = "v1alpha1, AdminNetworkPolicy"

TIER_CASES: list[tuple[str, list[str], str, str]] = [
    (f"{TIER}: no implicit isolation", [cnp(f"ingress: [{{action: Accept, from: {Y}}}]")], "z/a x/a 80", "allowed"),
    (f"{TIER}: Deny in Admin", [cnp(f"ingress: [{{action: Deny, from: {Y}}}]")], "y/a x/a 80", "denied"),
    (f"{TIER}: Accept in Admin wins over NetworkPolicy", [cnp(f"ingress: [{{action: Accept, from: {Y}}}]"), np(DENY)], "y/a x/a 80", "allowed"),
    (f"{TIER}: Deny in Admin wins over NetworkPolicy", [cnp(f"ingress: [{{action: Deny, from: {Y}}}]"), np(ingress("{}"))], "y/a x/a 80", "denied"),
    (f"{TIER}: what Admin does not match falls to NetworkPolicy", [cnp(f"ingress: [{{action: Accept, from: {Y}}}]"), np(DENY)], "z/a x/a 80", "denied"),
    (f"{ACTION}: Pass goes on to NetworkPolicy", [cnp(f"ingress: [{{action: Pass, from: {Y}}}, {{action: Deny, from: {ALL}}}]"), np(ingress("{}"))], "y/a x/a 80", "allowed"),
    (f"{ACTION}: Pass, and no NetworkPolicy: default", [cnp(f"ingress: [{{action: Pass, from: {Y}}}, {{action: Deny, from: {ALL}}}]")], "y/a x/a 80", "allowed"),
    (f"{TIER}: lower priority first", [cnp(f"ingress: [{{action: Deny, from: {Y}}}]", 20), cnp(f"ingress: [{{action: Accept, from: {Y}}}]", 5)], "y/a x/a 80", "allowed"),
    (f"{TIER}: rule order decides inside a policy", [cnp(f"ingress: [{{action: Deny, from: {Y}}}, {{action: Accept, from: {ALL}}}]")], "y/a x/a 80", "denied"),
    (f"{TIER}: Baseline Deny", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]", tier="Baseline")], "y/a x/a 80", "denied"),
    (f"{TIER}: Baseline is not asked about isolated pods", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]", tier="Baseline"), np(ingress("{}"))], "y/a x/a 80", "allowed"),
    (f"{TIER}: Baseline does not open what NetworkPolicy isolates", [cnp(f"ingress: [{{action: Accept, from: {ALL}}}]", tier="Baseline"), np(DENY)], "y/a x/a 80", "denied"),
    (f"{TIER}: Baseline by direction", [cnp(f"egress: [{{action: Deny, to: {ALL}}}]", tier="Baseline"), np("podSelector: {}")], "x/a y/a 80", "denied"),
    (f"{TIER}: priority in Baseline", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]", 9, "Baseline"), cnp(f"ingress: [{{action: Accept, from: {Y}}}]", 3, "Baseline")], "y/a x/a 80", "allowed"),
    (f"{ACTION}: Pass in Baseline is the default", [cnp(f"ingress: [{{action: Pass, from: {Y}}}, {{action: Deny, from: {ALL}}}]", tier="Baseline")], "y/a x/a 80", "allowed"),
    (f"{ACTION}: egress Accept does not spare the destination's ingress", [cnp(f"egress: [{{action: Accept, to: {ALL}}}]"), np("podSelector: {matchLabels: {pod: b}}")], "x/a x/b 80", "denied"),
    ("subject: not this namespace", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]")], "x/a y/a 80", "allowed"),
    ("subject: pods", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]", subject="{pods: {namespaceSelector: {}, podSelector: {matchLabels: {pod: b}}}}")], "z/a y/b 80", "denied"),
    ("subject: never host-network pods", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]", subject="{namespaces: {}}")], "y/a n1 80", "allowed"),
    ("subject: unknown namespace labels", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]", subject="{namespaces: {matchLabels: {ns: w}}}")], "y/a w/a 80", "undecided"),
    (f"{PEERS}: namespaces are no outside address", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]")], "out x/a 80", "allowed"),
    (f"{PEERS}: pods", [cnp("ingress: [{action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {pod: b}}}}]}]")], "y/b x/a 80", "denied"),
    (f"{PEERS}: networks, outside", [cnp("egress: [{action: Deny, to: [{networks: [203.0.113.0/24]}]}]")], "x/a out 443", "denied"),
    (f"{PEERS}: networks match pods", [cnp("egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]")], "x/a y/a 80", "denied"),
    (f"{PEERS}: networks by family", [cnp("egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]")], "x/a6 y/a6 80", "allowed"),
    (f"{PEERS}: nodes by label", [cnp("egress: [{action: Deny, to: [{nodes: {matchLabels: {node: n2}}}]}]")], "x/a n2 10250", "denied"),
    (f"{PEERS}: nodes by label, another node", [cnp("egress: [{action: Deny, to: [{nodes: {matchLabels: {node: n2}}}]}]")], "x/a n1 10250", "allowed"),
    (f"{PEERS}: domain names of addresses are not known", [cnp("egress: [{action: Accept, to: [{domainNames: [example.org]}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}]")], "x/a out 443", "undecided"),
    (f"{PEERS}: an unknown peer closes an Accept", [cnp("ingress: [{action: Accept, from: [{services: {}}]}]"), np(DENY)], "y/a x/a 80", "denied"),
    (f"{PEERS}: an unknown peer makes a Deny deny all", [cnp("ingress: [{action: Deny, from: [{services: {}}]}]")], "out x/a 80", "denied"),
    (f"{PEERS}: an unknown peer makes a Pass deny all", [cnp("ingress: [{action: Pass, from: [{services: {}}]}]")], "y/a x/a 80", "denied"),
    (f"{PORTS}: number", [cnp(f"ingress: [{{action: Deny, from: {ALL}, protocols: [{{tcp: {{destinationPort: {{number: 80}}}}}}]}}]")], "y/a x/a 80", "denied"),
    (f"{PORTS}: another number", [cnp(f"ingress: [{{action: Deny, from: {ALL}, protocols: [{{tcp: {{destinationPort: {{number: 80}}}}}}]}}]")], "y/a x/a 81", "allowed"),
    (f"{PORTS}: another protocol", [cnp(f"ingress: [{{action: Deny, from: {ALL}, protocols: [{{udp: {{destinationPort: {{number: 80}}}}}}]}}]")], "y/a x/a 80", "allowed"),
    (f"{PORTS}: range", [cnp(f"ingress: [{{action: Deny, from: {ALL}, protocols: [{{tcp: {{destinationPort: {{range: {{start: 80, end: 90}}}}}}}}]}}]")], "y/a x/a 90", "denied"),
    (f"{PORTS}: a name of any protocol", [cnp(f"ingress: [{{action: Deny, from: {ALL}, protocols: [{{destinationNamedPort: dns}}]}}]")], "y/a x/a 53/udp", "denied"),
    (f"{PORTS}: a name is the pod's", [cnp(f"ingress: [{{action: Deny, from: {ALL}, protocols: [{{destinationNamedPort: http}}]}}]")], "y/a x/b 80", "allowed"),
    (f"{PORTS}: without protocols every protocol", [cnp(f"ingress: [{{action: Deny, from: {ALL}}}]")], "y/a x/a 0/icmp", "denied"),
    (f"{V1}: Deny", [anp(f"ingress: [{{action: Deny, from: {Y}}}]")], "y/a x/a 80", "denied"),
    (f"{V1}: Allow wins over NetworkPolicy", [anp(f"ingress: [{{action: Allow, from: {Y}}}]"), np(DENY)], "y/a x/a 80", "allowed"),
    (f"{V1}: portNumber", [anp(f"ingress: [{{action: Deny, from: {Y}, ports: [{{portNumber: {{protocol: TCP, port: 80}}}}]}}]")], "y/a x/a 81", "allowed"),
    (f"{V1}: portRange", [anp(f"ingress: [{{action: Deny, from: {Y}, ports: [{{portRange: {{start: 80, end: 90}}}}]}}]")], "y/a x/a 85", "denied"),
    (f"{V1}: namedPort", [anp(f"ingress: [{{action: Deny, from: {Y}, ports: [{{namedPort: http}}]}}]")], "y/a x/b 8080", "denied"),
    ("v1alpha1, BaselineAdminNetworkPolicy: Deny", [anp(f"ingress: [{{action: Deny, from: {ALL}}}]", "BaselineAdminNetworkPolicy")], "y/a x/a 80", "denied"),
    ("v1alpha1, BaselineAdminNetworkPolicy: after NetworkPolicy", [anp(f"ingress: [{{action: Deny, from: {ALL}}}]", "BaselineAdminNetworkPolicy"), np(ingress("{}"))], "y/a x/a 80", "allowed"),
]  # fmt: skip

HOST = "{from: [{namespaceSelector: {matchLabels: {policy-group.network.openshift.io/host-network: ''}}}]}"

# rule, spec of a policy in x, connection, verdicts of generic, ovn and cilium
PROFILE_CASES: list[tuple[str, str, str, str]] = [
    ("cilium#9209: a block matches no pod", egress("{to: [{ipBlock: {cidr: 10.0.1.0/24}}]}"), "x/a y/a 80", "allowed allowed denied"),
    ("cilium#20550: a block matches no node", ingress("{from: [{ipBlock: {cidr: 10.9.0.0/24}}]}"), "n2 x/a 80", "allowed allowed denied"),
    ("a block matches outside addresses everywhere", ingress("{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}"), "out x/a 80", "allowed allowed allowed"),
    ("ovn#2117: a port name opens the protocol", ingress("{ports: [{port: http}]}"), "y/a x/a 9999", "denied allowed denied"),
    ("OpenShift: a host-network peer by podSelector", egress("{to: [{podSelector: {matchLabels: {pod: h}}}]}"), "x/a n1 10250", "undecided allowed denied"),
    ("OpenShift: no host-network peer by namespaceSelector alone", egress("{to: [{namespaceSelector: {}}]}"), "x/a n1 10250", "undecided denied denied"),
    ("OpenShift: the host-network group", ingress(HOST), "n2 x/a 80", "denied allowed denied"),
    ("own node into the pod", DENY, "n1 x/a 80", "allowed allowed allowed"),
    ("own node from the pod", DENY, "x/a n1 10250", "undecided denied denied"),
]  # fmt: skip
