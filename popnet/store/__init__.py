"""The store keeps all networks trained into one folder or bucket, by key."""

from popnet.store.index import StoreError as StoreError
from popnet.store.store import Store as Store
