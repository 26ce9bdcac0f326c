"""Family `tag_oracle`: the exact posterior of the tags of a sampled corpus."""
