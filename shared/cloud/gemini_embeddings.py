"""An embedder of Google's Gemini family."""

import math
import time
from collections.abc import Callable, Sequence

from google import genai
from google.genai import types

from shared.cloud.google_model_failures import Asked
from shared.cloud.google_models import PACE, GoogleModels, Pace, now
from shared.domain.model_calls import Trouble
from shared.errors import ModelTroubleError
from shared.ports import Clock, Vector
from shared.topology import VECTOR_DIMENSIONS

_TASK = "SEMANTIC_SIMILARITY"


class GeminiEmbedder:
    """Asks one embedding model, a text a call: on Google Cloud it takes no more of them.

    Nothing is connected until then, and threads may share it.
    """

    # Strict, as it is not measured: what it keeps apart a person can join, and cosines of this family lie
    # close together. SIMILARITY_THRESHOLD sets another.
    same_problem = 0.97

    def __init__(
        self,
        project: str,
        location: str,
        model: str = "gemini-embedding-001",
        *,
        base_url: str | None = None,
        pace: Pace = PACE,
        clock: Clock = now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`base_url` is the address of a stand-in on loopback; raises ConfigError."""
        self.version = f"{model}-{VECTOR_DIMENSIONS}"
        self._model = model
        self._service = GoogleModels(
            Asked(model, "EMBEDDING_MODEL"),
            project,
            location,
            base_url=base_url,
            pace=pace,
            clock=clock,
            sleep=sleep,
        )

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Embed texts as unit vectors; a blank one is the zero vector, and is not asked for.

        Of a long text the model reads the beginning, 2,048 tokens. The pace's limit is each text's.
        Raises ModelTroubleError.
        """
        return [self._embed(text) if text.strip() else [0.0] * VECTOR_DIMENSIONS for text in texts]

    def _embed(self, text: str) -> Vector:
        return _unit(self._service.ask(lambda client: self._values(client, text)).answer)

    def _values(self, client: genai.Client, text: str) -> Sequence[float]:
        response = client.models.embed_content(
            model=self._model,
            contents=text,
            config=types.EmbedContentConfig(
                task_type=_TASK, output_dimensionality=VECTOR_DIMENSIONS, auto_truncate=True
            ),
        )
        embeddings = response.embeddings or [types.ContentEmbedding()]
        return embeddings[0].values or []


def _unit(values: Sequence[float]) -> Vector:
    """Give a vector the length one: what the model cuts short it leaves shorter than that."""
    if not values:
        raise ModelTroubleError("the embedding model ended without a vector", Trouble.EMPTY)
    length = math.hypot(*values)
    if len(values) != VECTOR_DIMENSIONS or not math.isfinite(length) or length == 0:
        raise ModelTroubleError(
            f"the embedding model's vector is not one of {VECTOR_DIMENSIONS} numbers with a direction; "
            "set EMBEDDING_MODEL to a model that gives so many",
            Trouble.WRONG_SCHEMA,
        )
    return [value / length for value in values]
