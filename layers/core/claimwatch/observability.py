"""Logs and traces: one logger and one tracer for a function; a constant message plus keys, never a claim's
content."""

from aws_lambda_powertools import Logger, Tracer

logger = Logger()
tracer = Tracer()
