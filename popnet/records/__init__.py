"""The only door to disk and to MLflow."""

from popnet.records import checkpoints as checkpoints
from popnet.records.folder import create_run as create_run
from popnet.records.folder import launching as launching
from popnet.records.folder import write_plan as write_plan
from popnet.records.run import Network as Network
from popnet.records.run import Run as Run
from popnet.records.run import open_run as open_run
from popnet.records.store import Store as Store
from popnet.records.store import StoreError as StoreError
