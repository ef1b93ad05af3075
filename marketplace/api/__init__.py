"""The marketplace by REST: finding masters, looking at one, and what staff see of them."""
