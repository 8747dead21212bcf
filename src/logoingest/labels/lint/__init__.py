"""``labels lint``: what is wrong or doubtful in a class map, with file, line, why, and what to do."""
