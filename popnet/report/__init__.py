"""Records in, one self-contained HTML page and its figures out."""

from popnet.report.recorded import RecordedRun as RecordedRun
from popnet.report.study import write_study as write_study
from popnet.report.write import write_report as write_report
