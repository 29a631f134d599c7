"""What a parser of hostile bytes answers: a name as it stood on the wire, or why there is none."""

from __future__ import annotations

from enum import Enum


class Missing(Enum):
    """Why a message gave no name; `MORE` asks for the bytes that follow, the others are final."""

    MORE = "its end is missing"
    ABSENT = "it names nobody"
    SEALED = "no client's key opens it"
    PROXY = "it asks a proxy, so it says nothing of the address it is sent to"


Found = bytes | Missing
