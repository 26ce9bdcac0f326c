"""From raw text to token streams: the stages clean, tokenize and partition."""
