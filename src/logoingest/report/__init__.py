"""One self-contained ``report.html`` of a workspace: no script, nothing from outside, every stranger's word escaped."""

from logoingest.report.page import render_report

__all__ = ["render_report"]
