"""A run is the folder of one sweep: its plan, tables, report and provenance."""

from popnet.runs.folder import create_run as create_run
from popnet.runs.folder import mend as mend
from popnet.runs.folder import write_plan as write_plan
from popnet.runs.opening import open_run as open_run
from popnet.runs.run import ExportedNetwork as ExportedNetwork
from popnet.runs.run import RecordedNetwork as RecordedNetwork
from popnet.runs.run import Run as Run
from popnet.runs.writing import writing as writing
