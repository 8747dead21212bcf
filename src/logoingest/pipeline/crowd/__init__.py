"""What the crowd says of the words of a workspace, and the layer of the class map that keeps it."""
