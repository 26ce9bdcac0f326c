"""Family `recurrent`: recurrent language models."""
