"""Experience: worlds and policies make a `Rollout`, sampled or exact. Imports `worlds` and `policies`."""
