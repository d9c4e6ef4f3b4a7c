"""A loopback proxy before the Firestore emulator that writes down every query, whoever makes it.

The emulator answers queries that no index serves; Firestore does not.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from google.cloud.firestore_v1.types import RunAggregationQueryRequest, RunQueryRequest, StructuredQuery

from shared.topology import COLLECTION_GROUPS, VECTOR_DIMENSIONS, VECTOR_FIELD, Index, indexes

PREFIX = "evalforge_"
_NOT_FORWARDED = (":", "user-agent", "grpc-", "content-type", "te")


class Asked(NamedTuple):
    """What of a query decides which index serves it."""

    collection: str
    equals: frozenset[str]
    orders: tuple[tuple[str, str], ...]
    dimensions: int | None

    def is_served(self, having: frozenset[Index]) -> bool:
        """Say whether one of these indexes serves it; what asks by document id alone needs none."""
        if self.collection not in COLLECTION_GROUPS:
            return False
        if not self.equals and not self.orders and self.dimensions is None:
            return True
        return any(self._fits(index) for index in having)

    def _fits(self, index: Index) -> bool:
        filters, orders = index.fields[: len(self.equals)], index.fields[len(self.equals) :]
        return (
            index.collection == self.collection
            and index.dimensions == self.dimensions
            and frozenset(name for name, _ in filters) == self.equals
            and orders == self.orders
        )


class QueryRecorder(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Forwards every call to the emulator as it is, and keeps what queries asked."""

    def __init__(self, emulator: str) -> None:
        self._channel = grpc.insecure_channel(emulator)
        self._lock = threading.Lock()
        self.asked: set[Asked] = set()

    def service(self, handler_call_details: Any) -> Any:
        method: str = handler_call_details.method

        def forward(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            metadata = [
                (key, value)
                for key, value in context.invocation_metadata()
                if not key.startswith(_NOT_FORWARDED)
            ]
            call = self._channel.stream_stream(method)(
                self._recorded(method, requests), metadata=metadata, timeout=context.time_remaining()
            )
            try:
                yield from call
            except grpc.RpcError as error:
                told: Any = error
                context.abort(told.code(), told.details())

        return grpc.stream_stream_rpc_method_handler(forward)

    def unserved(self) -> list[Asked]:
        """List what no declared index serves."""
        having = indexes()
        with self._lock:
            return sorted(asked for asked in self.asked if not asked.is_served(having))

    def _recorded(self, method: str, requests: Iterator[bytes]) -> Iterator[bytes]:
        for request in requests:
            query = _query_in(method, request)
            if query is not None:
                with self._lock:
                    self.asked.add(_asked(query))
            yield request


def _query_in(method: str, request: bytes) -> StructuredQuery | None:
    asked: Any
    match method.rpartition("/")[2]:
        case "RunQuery":
            asked = RunQueryRequest.deserialize(request)
        case "RunAggregationQuery":
            asked = RunAggregationQueryRequest.deserialize(request).structured_aggregation_query
        case _:
            return None
    query: StructuredQuery = asked.structured_query
    return query


def _asked(query: StructuredQuery) -> Asked:
    name = query.from_[0].collection_id
    assert name.startswith(PREFIX), f"{name} is outside of our prefix"
    orders = tuple(
        (order.field.field_path, order.direction.name)
        for order in query.order_by
        if order.field.field_path != "__name__"
    )
    by_id = [order.direction.name for order in query.order_by if order.field.field_path == "__name__"]
    # An index ends with the document id in the direction of the field before it.
    assert by_id in ([], [orders[-1][1] if orders else "ASCENDING"]), f"{name}: by document id {by_id}"
    vector = query.find_nearest
    if vector.vector_field.field_path:
        assert vector.vector_field.field_path == VECTOR_FIELD
    return Asked(
        name.removeprefix(PREFIX),
        frozenset(_equal_fields(query.where)),
        orders,
        VECTOR_DIMENSIONS if vector.vector_field.field_path else None,
    )


def _equal_fields(where: Any) -> Iterator[str]:
    if where.field_filter.field.field_path:
        assert where.field_filter.op.name == "EQUAL", "only equality filters are declared"
        yield where.field_filter.field.field_path
    assert not where.unary_filter.field.field_path, "a filter on null is declared nowhere"
    for inner in where.composite_filter.filters:
        yield from _equal_fields(inner)


@contextmanager
def recording(emulator: str) -> Iterator[tuple[str, QueryRecorder]]:
    """Stand before the emulator; yields the address to use in its place, and the record."""
    recorder = QueryRecorder(emulator)
    server = grpc.server(ThreadPoolExecutor(64), handlers=[recorder])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", recorder
    finally:
        server.stop(grace=None).wait()
        recorder._channel.close()
