"""The spreadsheet of a review: answers, pictures of several classes and what the crowd contradicts, each with a cell for a ruling."""
