"""Run the stages of the pipeline at once, on one machine or on a cluster, with the results of `dvc repro`."""
