"""Records in, one self-contained HTML page and its figures out."""

from popnet.report.recorded_run import RecordedRun as RecordedRun
from popnet.report.write import write_report as write_report
