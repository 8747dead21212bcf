"""The recipe for one class a picture: prepare, train, judge; and the stage that writes what they say."""
