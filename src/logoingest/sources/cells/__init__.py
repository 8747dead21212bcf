"""What stands in a cell: answers, boxes, times, workers; and which column is which."""
