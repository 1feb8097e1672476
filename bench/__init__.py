"""`make bench`: how fast and how large, as ratios that are measured within one run. docs/bench.md tells how to read it."""
