"""One file an intervention; a module-level `Intervention` is found by looking."""
