"""Where a result comes from: what is needed to make it again."""
