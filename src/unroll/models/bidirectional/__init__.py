"""Family `bidirectional`: recurrent language models of both directions."""
