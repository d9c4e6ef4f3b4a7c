"""A commit that rests on documents which it does not write."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.api_core.retry import Retry
from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot, WriteBatch


def commit_checked(
    client: Client,
    batch: WriteBatch,
    held: Mapping[DocumentReference, str],
    version_of: Callable[[DocumentSnapshot[Any]], str],
    *,
    retry: Retry,
    timeout: float,
) -> bool:
    """Commit a batch if the documents held still have these versions; raises as the client library does.

    Reading them in the transaction locks them against writers, and not against
    other readers: a document that every commit checks is not written by any.
    """
    service, database = client._firestore_api, client._database_string  # noqa: SLF001
    called: dict[str, Any] = {"metadata": client._rpc_metadata, "timeout": timeout}  # noqa: SLF001
    begun = service.begin_transaction(request={"database": database}, retry=retry, **called).transaction
    asked = {"database": database, "transaction": begun}
    done = False
    try:
        transaction = client.transaction()
        transaction._id = begun  # noqa: SLF001
        found = client.get_all(list(held), transaction=transaction, retry=retry, timeout=timeout)
        versions = {one.reference: version_of(one) for one in found if one.exists}
        if versions == held:
            # A transaction whose commit has failed cannot be committed again.
            service.commit(request={**asked, "writes": batch._write_pbs}, retry=None, **called)  # noqa: SLF001
            done = True
    finally:
        if not done:
            # Locks that are not given back here end by themselves.
            with suppress(GoogleAPICallError):
                service.rollback(request=asked, retry=None, **called)
    return done
