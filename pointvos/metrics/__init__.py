"""How well predicted masks fit the true ones: J, F, and their averages, as DAVIS defines them."""
