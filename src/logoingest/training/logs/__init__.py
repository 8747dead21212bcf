"""Where the curves of a training go, epoch by epoch: a file of one's own, TensorBoard, W&B, MLflow. Nothing leaves the machine unasked."""
