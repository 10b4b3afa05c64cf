"""What happens to photos of damage: use cases, which join the domain with storage and AWS."""
