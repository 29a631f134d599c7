"""Parity cases: the rule each shows (section of the FlowMetric specification), a definition, flows, the rows expected."""

F = "Flags"
SYN, ACK, FIN = "SYN", "ACK", "FIN"
NE = "NetworkEvents"


def spec(labels=(), filters=(), flatten=(), type="Counter", **rest):  # noqa: A002
    return {"type": type, "labels": list(labels), "filters": list(filters), "flatten": list(flatten), **rest}


def f(field, value="", match="Equal"):
    return {"field": field, "value": value, "matchType": match}


ZONES = [{"SrcK8S_Zone": "a", "DstK8S_Zone": "a"}, {"SrcK8S_Zone": "a", "DstK8S_Zone": "b"}, {"SrcK8S_Zone": "a"}, {}]
MISSING = [{"SrcK8S_Zone": "a"}, {"SrcK8S_Zone": ""}, {}, {"SrcK8S_Zone": "b"}]
DIRECTIONS = [
    {"FlowDirection": 0, "Proto": 6},
    {"FlowDirection": 1, "Proto": 6},
    {"FlowDirection": 2, "Proto": 6},
    {"Proto": 6},
]
EVENTS = [
    {
        NE: [
            {"Feature": "acl", "Name": "allow", "Action": "allow"},
            {"Feature": "acl", "Name": "deny"},
            {"Feature": "x"},
        ]
    },
    {NE: []},
    {"Proto": 6},
]
TWO = [{F: [SYN, ACK], "Interfaces": ["eth0", "br", "tap"], "Bytes": 10}]

CASES = [
    ("1.2 no labels: one row", spec(), [{}, {}], [(2,)]),
    ("1.2 no labels, no flows: no row", spec(), [], []),
    ("1.4 flatten: one part an item", spec([F], flatten=[F]), [{F: [SYN, ACK]}], [(ACK, 1), (SYN, 1)]),
    ("1.4 flatten: absent field has one empty part", spec([F], flatten=[F]), [{}], [("", 1)]),
    ("1.4 flatten: empty list has one empty part", spec([F], flatten=[F]), [{F: []}, {}], [("", 2)]),
    (
        "1.4 flatten: cartesian product",
        spec([F, "Interfaces"], flatten=[F, "Interfaces"]),
        TWO,
        [(ACK, "br", 1), (ACK, "eth0", 1), (ACK, "tap", 1), (SYN, "br", 1), (SYN, "eth0", 1), (SYN, "tap", 1)],
    ),
    (
        "1.4 flatten: product with one list empty",
        spec([F, "Interfaces"], flatten=[F, "Interfaces"]),
        [{F: [SYN], "Interfaces": []}],
        [(SYN, "", 1)],
    ),
    ("1.4 flatten: repeated items count twice", spec([F], flatten=[F]), [{F: [SYN, SYN]}], [(SYN, 2)]),
    (
        "1.4 flatten: repeated items count twice under a filter",
        spec([F], [f(F, SYN)], [F]),
        [{F: [SYN, SYN, ACK]}],
        [(SYN, 2)],
    ),
    ("1.4 flatten: unknown flag names are names", spec([F], flatten=[F]), [{F: ["NEW", SYN]}], [("NEW", 1), (SYN, 1)]),
    (
        "1.4 flatten without the label multiplies the value",
        spec(["Proto"], flatten=[F], valueField="Bytes"),
        [{"Proto": 6, F: [SYN, ACK, FIN], "Bytes": 10}],
        [("6", 30)],
    ),
    ("1.4 flatten: a scalar is lost", spec(["TLSVersion"], flatten=["TLSVersion"]), [{"TLSVersion": "1.3"}], [("", 1)]),
    (
        "1.4 flatten: integers of IfDirections (departure: properly)",
        spec(["IfDirections"], flatten=["IfDirections"]),
        [{"IfDirections": [0, 1, 1]}],
        [("0", 1), ("1", 2)],
    ),
    (
        "1.4 flatten: maps from JSON as native ones (departure)",
        spec([f"{NE}>Name"], flatten=[NE]),
        EVENTS,
        [("", 3), ("allow", 1), ("deny", 1)],
    ),
    (
        "1.4 flatten: filter on a nested name keeps parts",
        spec([f"{NE}>Name"], [f(f"{NE}>Feature", "acl")], [NE]),
        EVENTS,
        [("allow", 1), ("deny", 1)],
    ),
    (
        "1.4 flatten: two nested names filter the same part",
        spec([f"{NE}>Name"], [f(f"{NE}>Feature", "acl"), f(f"{NE}>Action", "", "Absence")], [NE]),
        EVENTS,
        [("deny", 1)],
    ),
    ("1.4 flatten: the parent itself is no field of a map's part", spec([], [f(NE, "", "Presence")], [NE]), EVENTS, []),
    ("1.4 a nested name without flatten is absent", spec([f"{NE}>Name"]), EVENTS, [("", 3)]),
    (
        "1.4 parts: the filter keeps only those that pass",
        spec([F], [f(F, SYN)], [F]),
        [{F: [SYN, ACK]}, {F: [ACK]}, {}],
        [(SYN, 1)],
    ),
    ("1.4 parts: no part left drops the flow", spec(["Proto"], [f(F, SYN)], [F]), [{"Proto": 6, F: [ACK]}], []),
    (
        "1.4 parts: NotEqual passes the empty part",
        spec([F], [f(F, SYN, "NotEqual")], [F]),
        [{F: [SYN, ACK]}, {F: []}, {F: [SYN]}],
        [("", 1), (ACK, 1)],
    ),
    (
        "1.4 parts: Absence keeps only the empty part",
        spec([F], [f(F, "", "Absence")], [F]),
        [{F: [SYN]}, {F: []}, {}],
        [("", 2)],
    ),
    (
        "1.4 parts: Presence drops the empty part",
        spec([F], [f(F, "", "Presence")], [F]),
        [{F: [SYN]}, {F: []}, {}],
        [(SYN, 1)],
    ),
    (
        "1.4 parts: a regex is searched in each item",
        spec([F], [f(F, "_ACK$", "MatchRegex")], [F]),
        [{F: [SYN, "SYN_ACK", "RST_ACK"]}],
        [("RST_ACK", 1), ("SYN_ACK", 1)],
    ),
    (
        "1.4 parts: NotMatchRegex passes the empty part",
        spec([F], [f(F, "SYN", "NotMatchRegex")], [F]),
        [{F: ["SYN_ACK", ACK]}, {}],
        [("", 1), (ACK, 1)],
    ),
    (
        "1.4 filters on other fields see the flow",
        spec([F], [f("Proto", "6"), f(F, SYN)], [F]),
        [{"Proto": 6, F: [SYN]}, {"Proto": 17, F: [SYN]}],
        [(SYN, 1)],
    ),
    (
        "1.4 same key: OR, a true union (departure: first match upstream)",
        spec([F], [f(F, SYN), f(F, FIN)], [F]),
        [{F: [SYN, FIN, ACK]}],
        [(FIN, 1), (SYN, 1)],
    ),
    (
        "1.4 same key: OR on a plain field",
        spec(["Proto"], [f("Proto", "6"), f("Proto", "17")]),
        [{"Proto": 6}, {"Proto": 17}, {"Proto": 1}],
        [("17", 1), ("6", 1)],
    ),
    (
        "1.4 same key: two NotEqual pass everything",
        spec(["Proto"], [f("Proto", "6", "NotEqual"), f("Proto", "17", "NotEqual")]),
        [{"Proto": 6}, {"Proto": 17}],
        [("17", 1), ("6", 1)],
    ),
    (
        "1.4 same key: Absence or a regex (external traffic)",
        spec(["DstSubnetLabel"], [f("DstSubnetLabel", "", "Absence"), f("DstSubnetLabel", "^EXT:", "MatchRegex")]),
        [{"DstSubnetLabel": "EXT:s3"}, {"DstSubnetLabel": "Pods"}, {}],
        [("", 1), ("EXT:s3", 1)],
    ),
    (
        "1.4 two flattened keys with several filters (departure: random upstream)",
        spec(
            [F, "Interfaces"], [f(F, SYN), f(F, ACK), f("Interfaces", "br"), f("Interfaces", "eth0")], [F, "Interfaces"]
        ),
        TWO,
        [(ACK, "br", 1), (ACK, "eth0", 1), (SYN, "br", 1), (SYN, "eth0", 1)],
    ),
    ("1.4 Equal: absent fails, even against ''", spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "")]), MISSING, [("", 1)]),
    (
        "1.4 Equal: compared as text",
        spec(["DstPort"], [f("DstPort", "443")]),
        [{"DstPort": 443}, {"DstPort": 80}],
        [("443", 1)],
    ),
    ("1.4 Equal: no number but the plain one", spec(["DstPort"], [f("DstPort", "0443")]), [{"DstPort": 443}], []),
    (
        "1.4 NotEqual: absent passes",
        spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "a", "NotEqual")]),
        MISSING,
        [("", 2), ("b", 1)],
    ),
    (
        "1.4 Presence: '' passes, absent fails",
        spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "", "Presence")]),
        MISSING,
        [("", 1), ("a", 1), ("b", 1)],
    ),
    ("1.4 Absence: only absent passes", spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "", "Absence")]), MISSING, [("", 1)]),
    (
        "1.4 MatchRegex: absent fails, '' is searched",
        spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "^$", "MatchRegex")]),
        MISSING,
        [("", 1)],
    ),
    (
        "1.4 MatchRegex: unanchored",
        spec(["DstPort"], [f("DstPort", "0|2", "MatchRegex")]),
        [{"DstPort": 12}, {"DstPort": 53}],
        [("12", 1)],
    ),
    (
        "1.4 NotMatchRegex: absent passes",
        spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "a", "NotMatchRegex")]),
        MISSING,
        [("", 2), ("b", 1)],
    ),
    ("1.4 a field no flow carries: Equal", spec([], [f("SrcK8S_Zone", "a")]), [{"Proto": 6}], []),
    (
        "1.4 a field no flow carries: NotEqual, and '' as label",
        spec(["SrcK8S_Zone"], [f("SrcK8S_Zone", "a", "NotEqual")]),
        [{"Proto": 6}],
        [("", 1)],
    ),
    (
        "1.4 $(Field): the other field's text",
        spec(["DstK8S_Zone"], [f("SrcK8S_Zone", "$(DstK8S_Zone)")]),
        ZONES,
        [("a", 1)],
    ),
    (
        "1.4 $(Field): absent is '', so zone-less flows pass NotEqual",
        spec(["DstK8S_Zone"], [f("SrcK8S_Zone", "$(DstK8S_Zone)", "NotEqual")]),
        ZONES,
        [("", 2), ("b", 1)],
    ),
    (
        "1.4 $(Field): several, with text between",
        spec(["SrcAddr"], [f("SrcAddr", "$(DstAddr):$(DstPort)")]),
        [{"SrcAddr": "h:443", "DstAddr": "h", "DstPort": 443}],
        [("h:443", 1)],
    ),
    (
        "1.4 $(Field): in a filter on parts, looked up in the part",
        spec([F], [f(F, "SYN$(Proto)")], [F]),
        [{F: [SYN, "SYN6"], "Proto": 6}],
        [(SYN, 1)],
    ),
    (
        "1.4 $(Field): in a filter on the flow, a flattened field is its list",
        spec(["TLSVersion"], [f("TLSVersion", "$(Flags)")], [F]),
        [{"TLSVersion": "[SYN]", F: [SYN]}],
        [("[SYN]", 1)],
    ),
    (
        "1.4 $(Field) in a regex is no reference",
        spec(["SrcAddr"], [f("SrcAddr", "$(DstAddr)", "MatchRegex")]),
        [{"SrcAddr": "a", "DstAddr": "a"}],
        [],
    ),
    (
        "1.4 text: an unflattened list",
        spec([F]),
        [{F: [SYN, ACK]}, {F: []}, {}],
        [("", 1), ("[SYN ACK]", 1), ("[]", 1)],
    ),
    ("1.4 text: Equal of one item is false on an unflattened list", spec([F], [f(F, SYN)]), [{F: [SYN]}], []),
    (
        "1.4 text: a regex finds an item in an unflattened list",
        spec([F], [f(F, "SYN", "MatchRegex")]),
        [{F: ["SYN_ACK"]}, {F: [ACK]}],
        [("[SYN_ACK]", 1)],
    ),
    ("1.4 text: lists of integers", spec(["IfDirections"]), [{"IfDirections": [0, 1]}], [("[0 1]", 1)]),
    (
        "1.4 value: absent skips the flow",
        spec(["Proto"], valueField="Bytes"),
        [{"Proto": 6}, {"Proto": 17, "Bytes": 0}],
        [("17", 0)],
    ),
    ("1.4 value: integers add exactly", spec([], valueField="Bytes"), [{"Bytes": 2**53}, {"Bytes": 1}], [(2**53 + 1,)]),
    (
        "1.4 value: beyond 64 bits still exact",
        spec([], valueField="Bytes"),
        [{"Bytes": 2**63 + 1}, {"Bytes": 2**63 + 2}],
        [(2**64 + 3,)],
    ),
    (
        "1.1 divider scales",
        spec([], valueField="TimeFlowRttNs", divider="1000"),
        [{"TimeFlowRttNs": 1500}, {"TimeFlowRttNs": 500}],
        [(2.0,)],
    ),
    ("1.1 divider 0 is no scaling", spec([], valueField="Bytes", divider="0"), [{"Bytes": 3}], [(3,)]),
    (
        "1.4 the value is the flow's, whatever flatten does to its field",
        spec(["Bytes"], flatten=["Bytes"], valueField="Bytes"),
        [{"Bytes": 3}],
        [("", 3)],
    ),
    (
        "1.1 a label may be called like another field",
        spec(["DstPort"], remap={"DstPort": "Bytes"}, valueField="Bytes"),
        [{"DstPort": 443, "Bytes": 5}],
        [("443", 5)],
    ),
    (
        "1.1 a label may be called like a field a filter looks at",
        spec(["DstPort"], [f("Proto", "6")], remap={"DstPort": "Proto"}),
        [{"DstPort": 443, "Proto": 6}, {"DstPort": 53, "Proto": 17}],
        [("443", 1)],
    ),
    (
        "1.4 parts: one name or the empty part",
        spec([F], [f(F, SYN), f(F, "", "Absence")], [F]),
        [{F: [SYN, ACK]}, {F: [ACK]}, {F: []}, {}],
        [("", 2), (SYN, 1)],
    ),
    (
        "1.1 labels swapped by remap",
        spec(["SrcPort", "DstPort"], remap={"SrcPort": "DstPort", "DstPort": "SrcPort"}),
        [{"SrcPort": 1, "DstPort": 2}],
        [("1", "2", 1)],
    ),
    (
        "1.1 labels that differ only in case",
        spec(["SrcPort", "DstPort"], remap={"SrcPort": "port", "DstPort": "Port"}),
        [{"SrcPort": 1, "DstPort": 2}],
        [("1", "2", 1)],
    ),
    ("1.4 absent and '' are one series", spec(["SrcK8S_Zone"]), MISSING, [("", 2), ("a", 1), ("b", 1)]),
    (
        "1.3 Ingress is NotEqual 1: without FlowDirection passes",
        spec(["FlowDirection"], direction="Ingress"),
        DIRECTIONS,
        [("", 1), ("0", 1), ("2", 1)],
    ),
    (
        "1.3 Egress is NotEqual 0: without FlowDirection passes",
        spec(["FlowDirection"], direction="Egress"),
        DIRECTIONS,
        [("", 1), ("1", 1), ("2", 1)],
    ),
    (
        "1.3 direction is ANDed with filters on FlowDirection (departure)",
        spec(["FlowDirection"], [f("FlowDirection", "1"), f("FlowDirection", "2")], direction="Ingress"),
        DIRECTIONS,
        [("2", 1)],
    ),
    (
        "1.4 Gauge: the last by TimeFlowEndMs",
        spec(["Proto"], type="Gauge", valueField="Bytes"),
        [
            {"Proto": 6, "Bytes": 5, "TimeFlowEndMs": 20},
            {"Proto": 6, "Bytes": 9, "TimeFlowEndMs": 10},
            {"Proto": 6, "Bytes": 99},
        ],
        [("6", 5)],
    ),
    (
        "1.4 Gauge: equally late, the greatest (departure: arrival upstream)",
        spec([], type="Gauge", valueField="Bytes"),
        [{"Bytes": 1, "TimeFlowEndMs": 5}, {"Bytes": 3, "TimeFlowEndMs": 5}, {"Bytes": 2, "TimeFlowEndMs": 5}],
        [(3,)],
    ),
    ("1.4 Gauge without valueField is 1", spec([], type="Gauge"), [{"Proto": 6}, {"Proto": 6}], [(1,)]),
    (
        "1.4 Histogram: cumulative, own buckets (departure: ignored upstream)",
        spec([], type="Histogram", valueField="TimeFlowRttNs", divider="1000", buckets=["0.5", "1"]),
        [{"TimeFlowRttNs": 400}, {"TimeFlowRttNs": 1000}, {"TimeFlowRttNs": 3000}, {}],
        [("_bucket", "0.5", 1), ("_bucket", "1", 2), ("_bucket", "+Inf", 3), ("_sum", "", 4.4), ("_count", "", 3)],
    ),
    ("1.4 sampling never multiplies", spec([], valueField="Bytes"), [{"Bytes": 10, "Sampling": 50}], [(10,)]),
    (
        "1.2 rows in the order of their labels",
        spec(["SrcK8S_Zone"]),
        [{"SrcK8S_Zone": zone} for zone in "ba€Bz😀"],
        [("B", 1), ("a", 1), ("b", 1), ("z", 1), ("€", 1), ("😀", 1)],
    ),
]
