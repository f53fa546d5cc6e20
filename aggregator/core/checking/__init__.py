"""What one check of one feed decides: identity, revisions, cadence, gaps, and the plan that holds it all."""
