"""Family `window`: fixed-window neural language models."""
