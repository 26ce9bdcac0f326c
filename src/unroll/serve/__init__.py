"""A web page for trained models on this machine."""
