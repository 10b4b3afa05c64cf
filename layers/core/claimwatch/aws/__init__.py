"""Thin adapters around the AWS services; they turn client errors into ours."""
