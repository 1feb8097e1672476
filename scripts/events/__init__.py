"""Files that land, as the events that Azure makes of them, and the jobs that register what they hold."""
