"""A picture of what refers to what: extracted from the specs, laid out by hand, drawn as SVG."""
