"""Verdicts and reasons: the words of the result, by their codes."""

from __future__ import annotations

from enum import IntEnum

ALLOWED, DENIED, UNDECIDED = range(3)
VERDICTS = ("allowed", "denied", "undecided")


class Reason(IntEnum):
    """Why one side of a connection, or a row, has its verdict."""

    NOT_ISOLATED = 0
    ADMITTED = 1
    ACCEPTED = 2
    OWN_NODE = 3
    OWN_POD = 4
    REPLY = 5
    REFUSED = 6
    OTHER_PORT = 7
    WRONG_NAMESPACE = 8
    OTHER_PEER = 9
    NOTHING_NEAR = 10
    REPLY_OF_DENIED = 11
    ICMP = 12
    OTHER_PROTOCOL = 13
    OWN_NODE_EGRESS = 14
    UNKNOWN_LABELS = 15
    UNKNOWN_DOMAIN = 16
    INCOMPLETE = 17

    @property
    def words(self) -> str:
        """What a reader sees.

        >>> Reason.OTHER_PORT.words
        'same peer, other port'
        """
        return REASONS[self]


REASONS = (
    "not isolated",
    "admitted",
    "accepted by a cluster-wide rule",
    "own node",
    "own pod",
    "reply",
    "denied by a cluster-wide rule",
    "same peer, other port",
    "right labels, wrong namespace",
    "same port, other peer",
    "no rule comes near",
    "reply of a denied connection",
    "ICMP",
    "protocol without ports",
    "own-node egress",
    "unknown namespace labels",
    "unknown domain name",
    "the row lacks address, port or protocol",
)
