"""The weekly report: one page for people that opens without a network."""

from claimwatch.evaluation.report.page import report_page

__all__ = ["report_page"]
