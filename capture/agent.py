"""The recording node: its address as far as a capture's file name tells, and the name itself."""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePath

from flowkit.errors import CaptureError

_ENDINGS = (".pcap", ".pcapng", ".cap", ".gz", ".xz", ".zst")
# AWS names nodes by their address: ip-10-0-0-11.eu-west-3.compute.internal.
_AWS = re.compile(r"ip-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(\..+)?")


def capture_name(path: PurePath) -> str:
    """The file name without folder and without the endings of captures.

    >>> capture_name(PurePath("/data/ip-10-0-0-11.eu-west-3.compute.internal.pcap.gz"))
    'ip-10-0-0-11.eu-west-3.compute.internal'
    """
    name = path.name
    while (shorter := next((name[: -len(end)] for end in _ENDINGS if name.lower().endswith(end)), name)) != name:
        if not shorter:
            break
        name = shorter
    return name


def agent_address(name: str) -> str | None:
    """The address a node's name tells: it is one, or an AWS host name made of one; else None.

    >>> agent_address("10.0.0.11"), agent_address("ip-10-0-0-11.eu-west-3.compute.internal"), agent_address("node-1")
    ('10.0.0.11', '10.0.0.11', None)
    """
    aws = _AWS.fullmatch(name)
    return _address(".".join(aws.groups()[:4]) if aws else name)


def given_address(text: str) -> str:
    """Check an address that the caller gave, and write it in the usual form.

    >>> given_address("2001:DB8::0001")
    '2001:db8::1'
    """
    address = _address(text)
    if address is None:
        raise CaptureError(f"agent_ip '{text}' is not an IP address")
    return address


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
