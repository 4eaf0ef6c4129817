"""Fills MLflow from the store; no other package of popnet imports MLflow."""

from popnet.tracking.client import TrackingError as TrackingError
from popnet.tracking.filling import Filler as Filler
from popnet.tracking.filling import SyncReport as SyncReport
from popnet.tracking.filling import get_ready as get_ready
from popnet.tracking.filling import is_filled as is_filled
from popnet.tracking.filling import sync as sync
from popnet.tracking.links import page as page
from popnet.tracking.links import serve_command as serve_command
