"""What this machine has, what a trial takes, how many at once pay."""
