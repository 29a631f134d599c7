"""Bytes of a stream that come in pieces, in any order and more than once; bounded, because strangers send them."""

from __future__ import annotations

_MOST = 200


class Pieces:
    """Pieces by offset, each of at most `longest` bytes together from offset 0 on."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._pieces: dict[int, bytes] = {}

    def add(self, offset: int, piece: bytes) -> bool:
        """Keep a piece; False for one that lies too far out, or one too many."""
        if offset < 0 or offset + len(piece) > self._longest or len(self._pieces) >= _MOST:
            return False
        self._pieces[offset] = max(self._pieces.get(offset, b""), piece, key=len)
        return True

    def begin(self) -> bytes:
        """The bytes from offset 0 up to the first gap.

        >>> pieces = Pieces(100)
        >>> pieces.add(3, b"def"), pieces.begin(), pieces.add(0, b"abcd"), pieces.begin()
        (True, b'', True, b'abcdef')
        """
        whole = bytearray()
        for offset, piece in sorted(self._pieces.items()):
            if offset > len(whole):
                break
            whole += piece[len(whole) - offset :]
        return bytes(whole)
