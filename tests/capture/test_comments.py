"""Kubernetes names from the comments that NetObserv's command line writes beside packets."""

from __future__ import annotations

import pytest

import flowkit as fk
from capture.account import CaptureWarning
from capture.pcap import comments
from tests.capture import craft_more as ng
from tests.capture.craft import ACK, NOON, SECOND, SYN, SYN_ACK, A, B, Frame, ether, ip4, save, tcp
from tests.capture.tables import read_quietly

WEB = b"Source\nSrc IP: 10.128.0.7\nSrc Name: web-1\nSrc Namespace: shop\nSrc Owner: web\nSrc Owner Kind: Deployment\nSrc Zone: n/a\n"
DB = b"Destination\nDst Name: db\nDst Kind: Service\nDst Namespace: data\nDst Port: 443(https)\n"
COMMON = b"Common\nProtocol: TCP\nInterfaces: eth0\n"


def packet(flags=SYN, said=(WEB, DB, COMMON), *, ends=(A, B), ports=(40000, 443), at=0) -> bytes:
    frame = Frame(ether(ip4(tcp(*ports, flags=flags), 6, *ends)), time=NOON + at * SECOND)
    words = ng.struct.pack("<IIIII", 0, *divmod(frame.time // 1000, 1 << 32), len(frame.data), frame.length)
    extra = b"".join(ng.option(1, each, "<") for each in said) + ng.option(0, b"", "<")
    return ng.block(ng.ENHANCED, words + frame.data + bytes(-len(frame.data) % 4) + extra, "<")


def capture_of(*packets: bytes) -> bytes:
    return ng.section("<") + ng.interface() + b"".join(packets)


def test_names_become_fields_and_directions_keep_their_own(tmp_path):
    back = (
        WEB.replace(b"Source", b"Destination").replace(b"Src", b"Dst"),
        DB.replace(b"Destination", b"Source").replace(b"Dst", b"Src"),
    )
    data = capture_of(packet(), packet(SYN_ACK, back, ends=(B, A), ports=(443, 40000)), packet(ACK, at=1))
    flows = read_quietly(save(tmp_path, "a.pcapng", data))
    assert flows["Packets"].tolist() == [2, 1]
    assert flows["SrcK8S_Name"].tolist() == ["web-1", "db"]
    assert flows["DstK8S_Name"].tolist() == ["db", "web-1"]
    assert flows["SrcK8S_OwnerName"].astype(object).where(flows["SrcK8S_OwnerName"].notna(), None).tolist() == [
        "web",
        None,
    ]
    assert flows["DstK8S_Type"].astype(object).where(flows["DstK8S_Type"].notna(), None).tolist() == ["Service", None]
    assert "SrcK8S_Zone" not in flows
    assert comments.COARSE in str(flows.attrs["flowkit"])


def test_disagreement_and_what_cannot_be_read_is_counted(tmp_path):
    other = WEB.replace(b"web-1", b"web-2")
    data = capture_of(packet(), packet(ACK, (other, DB)), packet(ACK, (b"Source\nnonsense",)), packet(ACK, ()))
    flows = read_quietly(save(tmp_path, "a.pcapng", data))
    assert flows["Packets"].tolist() == [4]
    assert flows["SrcK8S_Name"].tolist() in (["web-1"], ["web-2"])
    assert flows["DstK8S_Namespace"].tolist() == ["data"]
    told = str(flows.attrs["flowkit"])
    assert comments.DISAGREE in told
    assert comments.UNREADABLE in told


def test_other_peoples_comments_are_none_of_ours(tmp_path):
    flows = read_quietly(save(tmp_path, "a.pcapng", capture_of(packet(said=(b"look here: odd",)))))
    assert len(flows) == 1
    assert not [column for column in flows if "K8S" in column]


def test_fk_read_takes_the_file(tmp_path):
    with pytest.warns(CaptureWarning, match="whole seconds"):
        flows = fk.read(save(tmp_path, "a.pcapng", capture_of(packet())))
    assert flows["SrcK8S_Namespace"].tolist() == ["shop"]
