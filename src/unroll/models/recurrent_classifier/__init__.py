"""Family `recurrent_classifier`: a recurrent network that reads a text and predicts its class."""
