"""The folder of a sweep, and who starts and watches its trials."""
