"""The schema of params.yaml: every setting is declared and documented here or beside its family, without a default."""
