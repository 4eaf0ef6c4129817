"""Records in, one self-contained HTML page and its figures out."""

from popnet.report.write import write_report as write_report
