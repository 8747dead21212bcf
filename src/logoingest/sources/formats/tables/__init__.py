"""What ``tabular`` finds in tables of known families: boxes in columns, a column an annotator, status and times, MTurk's XML."""
