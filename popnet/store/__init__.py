"""Every network ever trained under one folder or bucket, by key, in batches."""

from popnet.store.index import StoreError as StoreError
from popnet.store.store import Store as Store
