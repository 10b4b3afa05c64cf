"""Logger and tracer of a function. A log line is a constant message plus keys, never claim content."""

from aws_lambda_powertools import Logger, Tracer

logger = Logger()
tracer = Tracer()
