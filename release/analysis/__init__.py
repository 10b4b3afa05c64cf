"""Static analysis of what is deployed and of the tools that build it: `make analysis`."""
