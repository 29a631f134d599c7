"""Kubernetes names in the comments of packets, as NetObserv's command line writes them into pcapng.

Three comments a packet, whose first lines are ``Source``, ``Destination`` and ``Common``; below stand lines ``Column: value``.
Source: network-observability-cli ``cmd/packet_capture.go``, and the column names of its ``config.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable

UNREADABLE = "packets whose comments by NetObserv's command line cannot be read (kept, without names)"
COARSE = (
    "packets written by NetObserv's command line: times in whole seconds, sizes of what it kept (256 bytes at most)"
)
DISAGREE = "flows whose packets carry different Kubernetes names (those of one packet are kept)"

# Fields of a flow and their texts, in order.
Names = tuple[tuple[str, str], ...]

_SIDES = {"Source": "Src", "Destination": "Dst"}
_COMMON = "Common"
_EMPTY = ("", "n/a", "<nil>")
_FIELDS = {
    "Name": "K8S_Name",
    "Kind": "K8S_Type",
    "Owner": "K8S_OwnerName",
    "Owner Kind": "K8S_OwnerType",
    "Namespace": "K8S_Namespace",
    "Node IP": "K8S_HostIP",
    "Node Name": "K8S_HostName",
    "Zone": "K8S_Zone",
    "Network Name": "K8S_NetworkName",
    "Subnet Label": "SubnetLabel",
}


def names(comments: Iterable[bytes]) -> Names | None:
    """Read a packet's comments; None when none of them is NetObserv's.

    Raises `ValueError` for one that begins as NetObserv's and does not go on so.

    >>> names([b"Source\\nSrc Name: web-1\\nSrc Namespace: shop\\nSrc Zone: n/a\\n", b"Common\\nProtocol: TCP\\n"])
    (('SrcK8S_Name', 'web-1'), ('SrcK8S_Namespace', 'shop'))
    """
    found, ours = dict[str, str](), False
    for comment in comments:
        title, _, rest = comment.decode("utf-8", "replace").partition("\n")
        ours = ours or title in _SIDES or title == _COMMON
        if title in _SIDES:
            found |= _side(title, rest)
    return tuple(sorted(found.items())) if ours else None


def _side(title: str, text: str) -> dict[str, str]:
    side, found = _SIDES[title], dict[str, str]()
    for line in filter(None, text.split("\n")):
        column, colon, value = line.partition(": ")
        if not colon and not line.endswith(":"):
            raise ValueError(line)
        column = column.removeprefix(f"{side} ").removeprefix(f"{title} ")
        name = f"{side}{_FIELDS[column]}" if column in _FIELDS else column
        if name.removeprefix(side) in _FIELDS.values() and value not in _EMPTY:
            found[name] = value
    return found
