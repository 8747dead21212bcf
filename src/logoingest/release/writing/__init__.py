"""Tables and pictures -> the folder of a release."""
