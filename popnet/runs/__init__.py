"""A run is the folder of one sweep: its plan, tables, report and provenance."""

from popnet.runs.folder import create_run as create_run
from popnet.runs.folder import launch_lock as launch_lock
from popnet.runs.folder import write_plan as write_plan
from popnet.runs.run import RecordedNetwork as RecordedNetwork
from popnet.runs.run import Run as Run
from popnet.runs.run import open_run as open_run
