"""Many photos: plan, worker processes, Ray Data."""
