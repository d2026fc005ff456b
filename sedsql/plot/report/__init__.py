"""Write the report of a classification as one self-contained HTML page."""

from sedsql.plot.report.page import write_report

__all__ = ["write_report"]
