"""Pictures that verbs draw, one file each."""
