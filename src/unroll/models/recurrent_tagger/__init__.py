"""Family `recurrent_tagger`: recurrent networks that tag words."""
