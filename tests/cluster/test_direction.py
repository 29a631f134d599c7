"""Names and direction on the recorded cluster, with the handshakes and without them."""

from __future__ import annotations

import ipaddress

import flowkit as fk

OPENING = 2 | 256  # SYN and SYN_ACK


def test_no_pod_address_is_unattributed(flows):
    unnamed = {
        address
        for side in ("Src", "Dst")
        for address in flows.loc[flows[f"{side}K8S_Type"].isna(), f"{side}Addr"].dropna().unique()
    }
    pods = [ipaddress.ip_network(cidr) for cidr in ("10.128.0.0/14", "fd01::/48")]
    inside = {a for a in unnamed if any(ipaddress.ip_address(a) in net for net in pods)}
    # The scan asks an address that no pod has.
    assert inside == {"10.128.1.200"}


def test_what_no_pod_has_is_said(flows, matrix):
    assert "(unattributed) Pods" in set(matrix.endpoints["endpoint"])
    assert any("have an unattributed end" in note for note in fk.provenance(flows).notes)


def test_every_edge_says_how_its_direction_is_known(matrix):
    assert (matrix.edges["direction_by"] != "").all()


def test_without_a_single_handshake_direction_is_right_all_the_same(flows):
    known = fk.orient(fk.dedupe(flows))
    rest = known["Flags"].fillna(0) & (2047 - OPENING)
    blind = known.assign(Flags=rest.where(known["Flags"].notna()).astype("UInt16")).drop(
        columns=["Client", "DirectionBy"]
    )
    blind = blind[(rest > 0) | (blind["Proto"] != 6)].reset_index(drop=True)
    right = known[(rest > 0) | (known["Proto"] != 6)].reset_index(drop=True)["Client"]
    undeclared = blind.drop(columns=["SrcPortDeclared", "DstPortDeclared"])
    for table in (blind, undeclared):
        found = fk.orient(table)
        tcp = (table["Proto"] == 6).to_numpy()
        assert (found["Client"] == right).mean() >= 0.98
        assert found.loc[tcp, "DirectionBy"].astype(str).str.startswith("inferred:").all()
