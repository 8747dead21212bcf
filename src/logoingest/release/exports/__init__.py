"""A release in the forms other tools read. Each is made from a release folder alone, row by row, equal releases equal bytes.

File names are made of an image_id or of a class's number and the plain letters of its id (``classes.json`` says which is which),
never of a label as it stands. Pictures are copied byte for byte. What a form cannot hold stands in ``left_out.csv``.
"""

from logoingest.release.exports.options import ExportOptions
from logoingest.release.exports.writing import FORMATS, ExportSummary, export_release

__all__ = ["FORMATS", "ExportOptions", "ExportSummary", "export_release"]
