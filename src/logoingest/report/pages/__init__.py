"""The pages of the report, one file each: what is gathered of a workspace for the template of that name."""
