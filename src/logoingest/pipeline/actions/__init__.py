"""What is done beside the route: a dataset begun, failed URLs tried again, everything asked for again."""
