"""Training: one network and one loop, a step function for each regime."""
