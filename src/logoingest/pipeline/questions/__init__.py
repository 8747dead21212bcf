"""What is asked of a workspace and touches nothing in it: what would run, where everything is, what became of one thing, is it sound."""
