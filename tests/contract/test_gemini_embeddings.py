"""A Gemini embedding model asked over REST."""

import math
from operator import mul

import pytest

from shared.cloud.gemini_embeddings import GeminiEmbedder
from shared.cloud.google_models import Pace
from shared.domain.model_calls import Trouble
from shared.errors import ModelTroubleError
from shared.ports import Vector
from shared.topology import VECTOR_DIMENSIONS
from tests.contract.google_answers import Manner, Reply, page, refused, vector
from tests.contract.google_models import GoogleModelsStandIn
from tests.contract.google_requests import Embedding

ONCE = Pace(limit=20, usual=30)
WELL = vector([1.0] * VECTOR_DIMENSIONS, "", predicted=True)


def embedder(google: GoogleModelsStandIn, model: str = "gemini-embedding-001") -> GeminiEmbedder:
    return GeminiEmbedder(google.project, google.location, model, base_url=google.url, pace=ONCE)


def _cosine(one: Vector, other: Vector) -> float:
    return math.fsum(map(mul, one, other))


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
def test_texts_become_unit_vectors_in_their_order(google: GoogleModelsStandIn, model: str) -> None:
    texts = ["the refund was never paid", "the flight was changed twice", "the refund was never paid out"]

    vectors = embedder(google, model).embed(texts)

    assert [len(one) for one in vectors] == [VECTOR_DIMENSIONS] * 3
    assert [math.hypot(*one) for one in vectors] == pytest.approx([1, 1, 1])
    assert _cosine(vectors[0], vectors[2]) > 0.7 > _cosine(vectors[0], vectors[1])
    assert google.asked == [Embedding(model, text) for text in texts]


def test_a_blank_text_has_no_direction_and_is_not_asked_for(google: GoogleModelsStandIn) -> None:
    assert embedder(google).embed(["", " \n"]) == [[0.0] * VECTOR_DIMENSIONS] * 2
    assert google.asked == []


def test_the_version_names_the_model_and_the_length() -> None:
    assert GeminiEmbedder("p", "global").version == "gemini-embedding-001-768"
    assert 0 < GeminiEmbedder.same_problem <= 1


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (refused(429, retry_after="9"), Trouble.RATE_LIMITED),
        (refused(503), Trouble.UNAVAILABLE),
        (refused(404), Trouble.MODEL_GONE),
        (refused(403), Trouble.DENIED),
        (refused(400), Trouble.REFUSED),
        (page(200), Trouble.UNAVAILABLE),
        (page(200, b"[]"), Trouble.EMPTY),
        (page(200, b"{}"), Trouble.EMPTY),
        (page(200, b'{"predictions": []}'), Trouble.EMPTY),
        (WELL._replace(manner=Manner.RESET), Trouble.UNAVAILABLE),
        (vector([], "", predicted=True), Trouble.EMPTY),
        (vector([1.0] * 3072, "", predicted=True), Trouble.WRONG_SCHEMA),
        (vector([0.0] * VECTOR_DIMENSIONS, "", predicted=True), Trouble.WRONG_SCHEMA),
        (page(200, b'{"predictions": [{"embeddings": {"values": [NaN]}}]}'), Trouble.WRONG_SCHEMA),
    ],
)
def test_each_trouble_is_told_by_its_kind(
    google: GoogleModelsStandIn, reply: Reply, trouble: Trouble
) -> None:
    google.due(reply)

    with pytest.raises(ModelTroubleError) as raised:
        embedder(google).embed(["text-canary"])

    assert raised.value.trouble is trouble
    assert "canary" not in str(raised.value)
    assert "told-by" not in str(raised.value)


def test_a_model_that_is_gone_is_named_by_its_setting(google: GoogleModelsStandIn) -> None:
    google.due(refused(404))

    with pytest.raises(ModelTroubleError, match="set EMBEDDING_MODEL to"):
        embedder(google).embed(["a text"])


def test_one_deadline_holds_for_a_vector_too(google: GoogleModelsStandIn) -> None:
    slow = GeminiEmbedder(google.project, google.location, base_url=google.url, pace=Pace(limit=0.4))
    google.due(WELL._replace(manner=Manner.DRIPPING_BODY))

    with pytest.raises(ModelTroubleError) as raised:
        slow.embed(["a text"])

    assert raised.value.trouble is Trouble.DEADLINE
