"""A small web page for trained models, on this machine alone."""
