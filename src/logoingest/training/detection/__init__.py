"""The recipe for boxes: where in a picture which class is. Prepare, train, judge; and what they leave."""
