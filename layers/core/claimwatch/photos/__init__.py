"""Use cases for photos of damage; they join the domain with storage and AWS."""
