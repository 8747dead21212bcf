"""What a detector eats: pictures with boxes, the random changes they are shown with, anchors, and what can be said without looking."""
