"""Logger and tracer of a function. A log line is a constant message plus keys, never claim content."""

from aws_lambda_powertools import Logger, Tracer

logger = Logger()

# Without patches: a patched psycopg2 records PostgreSQL's error messages, which quote rows, and a patched
# botocore records the keys of objects. A trace has the times and errors of invocations only.
tracer = Tracer(auto_patch=False)
