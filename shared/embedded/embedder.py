"""A local embedder: hashed words and word pairs, no model and no network."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shared.ports import Vector
from shared.topology import VECTOR_DIMENSIONS

_WORD = re.compile(r"[^\W\d_]{2,}")


class HashingEmbedder:
    """Texts that share words have like vectors; it knows no synonyms."""

    version = "hashing-2"
    same_problem = 0.65

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Embed texts as unit vectors; a text without words is the zero vector."""
        return [_embed(text) for text in texts]


def _embed(text: str) -> Vector:
    words = _WORD.findall(text.lower())
    terms = Counter(words)
    terms.update(f"{one} {two}" for one, two in pairwise(words))
    vector = np.zeros(VECTOR_DIMENSIONS, dtype=np.float32)
    for term, count in terms.items():
        hashed = zlib.crc32(term.encode())
        # The sign bit makes terms that collide cancel instead of adding up.
        vector[hashed % VECTOR_DIMENSIONS] += (1.0 if hashed >> 31 else -1.0) * (1.0 + np.log(count))
    norm = float(np.linalg.norm(vector))
    unit: list[float] = (vector / norm if norm else vector).tolist()
    return unit
