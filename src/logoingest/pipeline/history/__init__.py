"""The runs of a dataset, one after the other: an entry each in its workspace, and the last one's figures for a monitor."""
