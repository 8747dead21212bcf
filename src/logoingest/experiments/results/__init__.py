"""What came of a sweep: tables, comparisons, figures."""
