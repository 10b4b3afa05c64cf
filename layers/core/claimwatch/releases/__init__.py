"""Checks of a deployment, which CodeDeploy waits for before it shifts traffic."""
