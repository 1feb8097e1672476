"""`make bench`: speed and memory, as ratios measured within one run. docs/bench.md tells how to read them."""
