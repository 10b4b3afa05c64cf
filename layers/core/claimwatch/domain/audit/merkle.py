"""The root of a Merkle tree over leaves, as in RFC 6962."""

import hashlib
from collections.abc import Sequence

NODE = b"\x01"
"""First byte of what an inner node hashes, so that no node can be taken for a leaf."""


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of leaves in their order.

    Nodes are paired from the left; the last node of an odd number moves up unchanged. That is the tree of
    RFC 6962, which divides leaves at the largest power of two below their number.
    """
    if not leaves:
        return hashlib.sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        paired = [
            hashlib.sha256(NODE + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]
