"""A rehearsal of releases: the stages of pipeline.yaml on this machine, against two stacks."""
