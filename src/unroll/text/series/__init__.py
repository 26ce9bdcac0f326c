"""CSV files of series: their dialect, and the observations in the order of time."""
