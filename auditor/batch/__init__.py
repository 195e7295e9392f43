"""Many audits as one gate: configuration, one scoring for all, correction, and one outcome."""
