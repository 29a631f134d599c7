"""Verdicts and reasons: the words of the result, by their codes."""

from __future__ import annotations

from enum import IntEnum

ALLOWED, DENIED, UNDECIDED = range(3)
VERDICTS = ("allowed", "denied", "undecided")


class Reason(IntEnum):
    """Why one side of a connection, or a row, has its verdict."""

    NO_POD = 0
    NOT_ISOLATED = 1
    ADMITTED = 2
    ACCEPTED = 3
    OWN_NODE = 4
    OWN_POD = 5
    REPLY = 6
    REFUSED = 7
    OTHER_PORT = 8
    WRONG_NAMESPACE = 9
    OTHER_PEER = 10
    NOTHING_NEAR = 11
    REPLY_OF_DENIED = 12
    ICMP = 13
    OTHER_PROTOCOL = 14
    OWN_NODE_EGRESS = 15
    UNKNOWN_LABELS = 16
    UNKNOWN_DOMAIN = 17
    INCOMPLETE = 18

    @property
    def words(self) -> str:
        """What a reader sees.

        >>> Reason.OTHER_PORT.words
        'same peer, other port'
        """
        return REASONS[self]


REASONS = (
    "no pod",
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
