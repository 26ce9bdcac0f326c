"""What makes the stages of the pipeline reliable."""
