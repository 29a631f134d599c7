"""Conformance cases: what the API says, a policy (its spec, in namespace x), a connection, and the verdict of profile generic.

The cluster: pods x/a (on node n1; ports http 80/TCP, dns 53/UDP), x/b (http 8080/TCP; label tier: ""), x/c, y/a, y/b, z/a,
w/a, all but x/a on n2, with label pod; x/h in the host network of n1. Namespaces have label ns; w has no Namespace object.
`out` and `far` are outside addresses; a 6 behind an end is its IPv6 address.
"""

DENY = "podSelector: {}\npolicyTypes: [Ingress, Egress]"
A = "podSelector: {matchLabels: {pod: a}}\n"
OUT = A + "policyTypes: [Egress]\n"


def ingress(rule: str) -> str:
    """An ingress policy for x/a with one rule."""
    return A + "ingress: [" + rule + "]"


def egress(rule: str) -> str:
    """An egress policy for x/a with one rule."""
    return OUT + "egress: [" + rule + "]"


TYPES = "types.go, NetworkPolicySpec"
PEER = "types.go, NetworkPolicyPeer"
PORT = "types.go, NetworkPolicyPort"
BLOCK = "types.go, IPBlock"
SELECT = "apimachinery, labels.Requirement.Matches"
DEFAULTS = "networking/v1/defaults.go"
PAGE = "kubernetes.io, Network Policies"

# rule, specs of policies in x, "source destination port[/protocol]", verdict
CASES: list[tuple[str, list[str], str, str]] = [
    (f"{PAGE}: pods are non-isolated by default", [], "y/a x/a 80", "allowed"),
    (f"{PAGE}: default deny ingress", [DENY], "y/a x/a 80", "denied"),
    (f"{PAGE}: default deny egress", [DENY], "x/a y/a 80", "denied"),
    (f"{PAGE}: default deny reaches outside too", [DENY], "x/a out 443", "denied"),
    (f"{PAGE}: outside to an isolated pod", [DENY], "out x/a 80", "denied"),
    (f"{PAGE}: isolation is per direction, egress stays open", ["podSelector: {}"], "x/a y/a 80", "allowed"),
    (f"{PAGE}: isolation is per direction, ingress stays open", ["podSelector: {}\npolicyTypes: [Egress]"], "y/a x/a 80", "allowed"),
    (f"{PAGE}: a policy is about its own namespace only", [DENY], "z/a y/a 80", "allowed"),
    (f"{PAGE}: both ends must allow, the source does not", [DENY, ingress("{}")], "x/b x/a 80", "denied"),
    (f"{PAGE}: both ends must allow, and do", [ingress("{}"), "podSelector: {}\npolicyTypes: [Egress]\negress: [{}]"], "x/b x/a 80", "allowed"),
    (f"{PAGE}: policies add up", [DENY, ingress("{from: [{namespaceSelector: {}}]}")], "y/a x/a 80", "allowed"),
    (f"{PAGE}: order does not matter", [ingress("{from: [{namespaceSelector: {}}]}"), DENY], "y/a x/a 80", "allowed"),
    (f"{PAGE}: a pod's traffic with itself", [DENY], "x/a x/a 80", "allowed"),
    (f"{PAGE}: two pods of one workload are two pods", [DENY], "x/a x/b 80", "denied"),
    (f"{TYPES}: traffic from the pod's own node", [DENY], "n1 x/a 80", "allowed"),
    (f"{TYPES}: another node is an outside address", [DENY], "n2 x/a 80", "denied"),
    (f"{PAGE} and {TYPES} differ on egress to the own node", [DENY], "x/a n1 10250", "undecided"),
    (f"{TYPES}: egress to the own node that a rule admits", [egress("{}")], "x/a n1 10250", "allowed"),
    (f"{TYPES}: egress to the own node of a pod that is not isolated", [], "x/a n1 10250", "allowed"),
    (f"{PAGE}: egress to another node", [DENY], "x/a n2 10250", "denied"),
    (f"{DEFAULTS}: without policyTypes ingress is isolated", [A], "y/a x/a 80", "denied"),
    (f"{DEFAULTS}: without policyTypes and egress rules egress is open", [A], "x/a y/a 80", "allowed"),
    (f"{DEFAULTS}: without policyTypes but with egress rules egress is isolated", [A + "egress: [{ports: [{port: 53}]}]"], "x/a y/a 80", "denied"),
    (f"{DEFAULTS}: egress rules without policyTypes isolate ingress too", [A + "egress: [{}]"], "y/a x/a 80", "denied"),
    (f"{DEFAULTS}: policyTypes [] is none", [A + "policyTypes: []\negress: []"], "x/a y/a 80", "allowed"),
    (f"{TYPES}: rules of a direction not listed are inert", [A + "policyTypes: [Ingress]\negress: [{ports: [{port: 53}]}]"], "x/a y/a 80", "allowed"),
    (f"{TYPES}: policyTypes Egress alone leaves ingress open", [OUT + "ingress: [{ports: [{port: 53}]}]"], "y/a x/a 80", "allowed"),
    (f"{TYPES}: an empty rule list admits nothing", [A + "ingress: []"], "y/a x/a 80", "denied"),
    (f"{TYPES}: one empty rule admits everything", [ingress("{}")], "y/a x/a 80", "allowed"),
    (f"{TYPES}: one empty rule admits outside", [ingress("{}")], "out x/a 80", "allowed"),
    (f"{TYPES}: one empty egress rule admits outside", [egress("{}")], "x/a out 443", "allowed"),
    (f"{TYPES}: from [] is every source", [ingress("{from: [], ports: [{port: 80}]}")], "out x/a 80", "allowed"),
    (f"{TYPES}: ports [] is every port", [ingress("{from: [{podSelector: {}}], ports: []}")], "x/b x/a 12345", "allowed"),
    (f"{TYPES}: podSelector missing selects all", ["policyTypes: [Ingress]"], "y/a x/c 80", "denied"),
    (f"{TYPES}: podSelector selects by labels", [A], "y/a x/b 80", "allowed"),
    (f"{PEER}: podSelector alone is the policy's namespace", [ingress("{from: [{podSelector: {matchLabels: {pod: b}}}]}")], "x/b x/a 80", "allowed"),
    (f"{PEER}: podSelector alone is not another namespace", [ingress("{from: [{podSelector: {matchLabels: {pod: b}}}]}")], "y/b x/a 80", "denied"),
    (f"{PEER}: podSelector {{}} is every pod of the own namespace", [ingress("{from: [{podSelector: {}}]}")], "x/c x/a 80", "allowed"),
    (f"{PEER}: podSelector {{}} is no outside address", [ingress("{from: [{podSelector: {}}]}")], "out x/a 80", "denied"),
    (f"{PEER}: namespaceSelector {{}} is every pod", [ingress("{from: [{namespaceSelector: {}}]}")], "z/a x/a 80", "allowed"),
    (f"{PEER}: namespaceSelector {{}} is no outside address", [ingress("{from: [{namespaceSelector: {}}]}")], "out x/a 80", "denied"),
    (f"{PEER}: namespaceSelector {{}} is no node", [ingress("{from: [{namespaceSelector: {}}]}")], "n2 x/a 80", "denied"),
    (f"{PEER}: namespaceSelector by label", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}}]}")], "y/b x/a 80", "allowed"),
    (f"{PEER}: namespaceSelector by label, another namespace", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}}]}")], "z/a x/a 80", "denied"),
    (f"{PEER}: both selectors are ANDed", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]}")], "y/a x/a 80", "allowed"),
    (f"{PEER}: both selectors are ANDed, the pod differs", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]}")], "y/b x/a 80", "denied"),
    (f"{PEER}: both selectors are ANDed, the namespace differs", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]}")], "z/a x/a 80", "denied"),
    (f"{PEER}: list items are ORed, first", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}}, {podSelector: {matchLabels: {pod: b}}}]}")], "y/a x/a 80", "allowed"),
    (f"{PEER}: list items are ORed, second", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}}, {podSelector: {matchLabels: {pod: b}}}]}")], "x/b x/a 80", "allowed"),
    (f"{PEER}: list items are ORed, neither", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: y}}}, {podSelector: {matchLabels: {pod: b}}}]}")], "z/a x/a 80", "denied"),
    (f"{PEER}: egress by selectors", [egress("{to: [{namespaceSelector: {matchLabels: {ns: y}}}]}")], "x/a y/a 80", "allowed"),
    (f"{PEER}: egress by selectors, outside", [egress("{to: [{namespaceSelector: {}}]}")], "x/a out 443", "denied"),
    (f"{PEER}: a host-network pod is never a subject", [DENY], "y/a n1 80", "allowed"),
    (f"{PEER}: a host-network pod is no peer by selector", [ingress("{from: [{podSelector: {matchLabels: {pod: h}}}]}")], "n2 x/a 80", "denied"),
    (f"{PAGE}: namespaces carry kubernetes.io/metadata.name", [ingress("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]}")], "y/a x/a 80", "allowed"),
    (f"{PAGE}: also those of which nothing else is known", [ingress("{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: w}}}]}")], "w/a x/a 80", "allowed"),
    (f"{PAGE}: namespaces do not carry name", [ingress("{from: [{namespaceSelector: {matchLabels: {name: y}}}]}")], "y/a x/a 80", "denied"),
    ("unknown namespace labels leave it open", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: w}}}]}")], "w/a x/a 80", "undecided"),
    ("unknown namespace labels do not matter to {}", [ingress("{from: [{namespaceSelector: {}}]}")], "w/a x/a 80", "allowed"),
    ("unknown namespace labels do not matter when the pod differs", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: w}}, podSelector: {matchLabels: {pod: b}}}]}")], "w/a x/a 80", "denied"),
    ("unknown namespace labels do not matter when the port differs", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: w}}}], ports: [{port: 81}]}")], "w/a x/a 80", "denied"),
    ("unknown namespace labels do not matter when another rule admits", [ingress("{from: [{namespaceSelector: {matchLabels: {ns: w}}}]}, {ports: [{port: 80}]}")], "w/a x/a 80", "allowed"),
    (f"{SELECT}: In, the key is there and the value listed", [ingress("{from: [{podSelector: {matchExpressions: [{key: pod, operator: In, values: [b, c]}]}}]}")], "x/c x/a 80", "allowed"),
    (f"{SELECT}: In, the key is absent", [ingress("{from: [{podSelector: {matchExpressions: [{key: tier, operator: In, values: [b]}]}}]}")], "x/c x/a 80", "denied"),
    (f"{SELECT}: NotIn, the value is listed", [ingress("{from: [{podSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [b]}]}}]}")], "x/b x/a 80", "denied"),
    (f"{SELECT}: NotIn, the key is absent", [ingress("{from: [{podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [b]}]}}]}")], "x/c x/a 80", "allowed"),
    (f"{SELECT}: Exists", [ingress("{from: [{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}]}")], "x/b x/a 80", "allowed"),
    (f"{SELECT}: Exists, the key is absent", [ingress("{from: [{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}]}")], "x/c x/a 80", "denied"),
    (f"{SELECT}: DoesNotExist", [ingress("{from: [{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}]}")], "x/c x/a 80", "allowed"),
    (f'{SELECT}: k: "" with an empty value', [ingress('{from: [{podSelector: {matchLabels: {tier: ""}}}]}')], "x/b x/a 80", "allowed"),
    (f'{SELECT}: k: "" needs the key', [ingress('{from: [{podSelector: {matchLabels: {tier: ""}}}]}')], "x/c x/a 80", "denied"),
    (f"{SELECT}: labels and expressions are ANDed", [ingress("{from: [{podSelector: {matchLabels: {pod: b}, matchExpressions: [{key: tier, operator: DoesNotExist}]}}]}")], "x/b x/a 80", "denied"),
    (f"{PORT}: number", [ingress("{ports: [{port: 80}]}")], "y/a x/a 80", "allowed"),
    (f"{PORT}: another number", [ingress("{ports: [{port: 80}]}")], "y/a x/a 81", "denied"),
    (f"{PORT}: the protocol defaults to TCP", [ingress("{ports: [{port: 53}]}")], "y/a x/a 53/udp", "denied"),
    (f"{PORT}: UDP", [ingress("{ports: [{port: 53, protocol: UDP}]}")], "y/a x/a 53/udp", "allowed"),
    (f"{PORT}: SCTP", [ingress("{ports: [{port: 80, protocol: SCTP}]}")], "y/a x/a 80/sctp", "allowed"),
    (f"{PORT}: SCTP is not TCP", [ingress("{ports: [{port: 80, protocol: SCTP}]}")], "y/a x/a 80", "denied"),
    (f"{PORT}: without port all of the protocol", [ingress("{ports: [{protocol: UDP}]}")], "y/a x/a 999/udp", "allowed"),
    (f"{PORT}: without port only that protocol", [ingress("{ports: [{protocol: UDP}]}")], "y/a x/a 999", "denied"),
    (f"{PORT}: endPort, first", [ingress("{ports: [{port: 80, endPort: 90}]}")], "y/a x/a 80", "allowed"),
    (f"{PORT}: endPort is inclusive", [ingress("{ports: [{port: 80, endPort: 90}]}")], "y/a x/a 90", "allowed"),
    (f"{PORT}: endPort, after", [ingress("{ports: [{port: 80, endPort: 90}]}")], "y/a x/a 91", "denied"),
    (f"{PORT}: a number need not be declared", [ingress("{ports: [{port: 12345}]}")], "y/a x/a 12345", "allowed"),
    (f"{PORT}: a name is the destination pod's", [ingress("{ports: [{port: http}]}")], "y/a x/a 80", "allowed"),
    (f"{PORT}: a name is not another pod's number", [ingress("{ports: [{port: http}]}")], "y/a x/a 8080", "denied"),
    (f"{PORT}: a name differs by pod", ["podSelector: {}\ningress: [{ports: [{port: http}]}]"], "y/a x/b 8080", "allowed"),
    (f"{PORT}: a name holds for its protocol", [ingress("{ports: [{port: dns}]}")], "y/a x/a 53/udp", "denied"),
    (f"{PORT}: a name with its protocol", [ingress("{ports: [{port: dns, protocol: UDP}]}")], "y/a x/a 53/udp", "allowed"),
    (f"{PORT}: a name nobody declares matches nothing", [ingress("{ports: [{port: web}]}")], "y/a x/a 80", "denied"),
    (f"{PORT}: in egress the name is the peer's", [egress("{ports: [{port: http}]}")], "x/a x/b 8080", "allowed"),
    (f"{PORT}: in egress the name is not the subject's", [egress("{ports: [{port: http}]}")], "x/a x/b 80", "denied"),
    (f"{PORT}: outside addresses have no names", [egress("{ports: [{port: http}]}")], "x/a out 80", "denied"),
    (f"{PORT}: port items are ORed", [ingress("{ports: [{port: 80}, {port: 443}]}")], "y/a x/a 443", "allowed"),
    (f"{TYPES}: a rule binds its peers to its ports", [ingress("{from: [{podSelector: {}}], ports: [{port: 80}]}, {from: [{namespaceSelector: {}}], ports: [{port: 443}]}")], "y/a x/a 80", "denied"),
    (f"{TYPES}: a rule binds its ports to its peers", [ingress("{from: [{podSelector: {}}], ports: [{port: 80}]}, {from: [{namespaceSelector: {}}], ports: [{port: 443}]}")], "y/a x/a 443", "allowed"),
    (f"{BLOCK}: an address inside", [egress("{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}")], "x/a out 443", "allowed"),
    (f"{BLOCK}: an address outside", [egress("{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}")], "x/a far 443", "denied"),
    (f"{BLOCK}: host bits are ignored", [egress("{to: [{ipBlock: {cidr: 203.0.113.77/24}}]}")], "x/a out 443", "allowed"),
    (f"{BLOCK}: except", [egress("{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/28]}}]}")], "x/a out 443", "denied"),
    (f"{BLOCK}: except is no deny", [egress("{to: [{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/28]}}, {ipBlock: {cidr: 203.0.113.9/32}}]}")], "x/a out 443", "allowed"),
    (f"{BLOCK}: ingress from an outside address", [ingress("{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}")], "out x/a 80", "allowed"),
    (f"{BLOCK}: 0.0.0.0/0 is no IPv6", [egress("{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}")], "x/a6 out6 443", "denied"),
    (f"{BLOCK}: ::/0 is IPv6", [egress("{to: [{ipBlock: {cidr: '::/0'}}]}")], "x/a6 out6 443", "allowed"),
    (f"{BLOCK}: ::/0 is no IPv4", [egress("{to: [{ipBlock: {cidr: '::/0'}}]}")], "x/a out 443", "denied"),
    (f"{BLOCK}: an IPv6 except", [egress("{to: [{ipBlock: {cidr: '2001:db8::/32', except: ['2001:db8::/64']}}]}")], "x/a6 out6 443", "denied"),
    ("e2e netpol: a block matches pod addresses", [egress("{to: [{ipBlock: {cidr: 10.0.1.0/24}}]}")], "x/a y/a 80", "allowed"),
    ("e2e netpol: except holds for pod addresses", [egress("{to: [{ipBlock: {cidr: 10.0.1.0/24, except: [10.0.1.1/32]}}]}")], "x/a y/a 80", "denied"),
    ("e2e netpol: a block matches node addresses", [ingress("{from: [{ipBlock: {cidr: 10.9.0.0/24}}]}")], "n2 x/a 80", "allowed"),
    (f"{PAGE}: ICMP under a policy is undefined", [DENY], "y/a x/a 0/icmp", "undecided"),
    (f"{PAGE}: ICMP under a policy that admits everything is undefined", [ingress("{}")], "y/a x/a 0/icmp", "undecided"),
    (f"{PAGE}: ICMP without a policy", [], "y/a x/a 0/icmp", "allowed"),
    (f"{PAGE}: selectors work on IPv6 too", [ingress("{from: [{podSelector: {matchLabels: {pod: b}}}]}")], "x/b6 x/a6 80", "allowed"),
]  # fmt: skip
