"""A run's folder: its plan, tables and provenance; what ``open_run`` opens."""

from popnet.runs.folder import create_run as create_run
from popnet.runs.folder import launching as launching
from popnet.runs.folder import write_plan as write_plan
from popnet.runs.run import RecordedNetwork as RecordedNetwork
from popnet.runs.run import Run as Run
from popnet.runs.run import open_run as open_run
