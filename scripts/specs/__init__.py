"""Templated specs: rendered, versioned by content, linked by references, checked."""
