"""Learning: algorithms as iterators of `Progress`. Imports `gradients` and what lies below."""
