"""A smoke test of a deployed stack, from outside: files, the API, sign-in and the audit.

``python -m smoke --stack NAME`` uses the credentials and the region that boto3 finds, and only interfaces
that a client of the stack has; it does not reach the database. Every step passes or ends with a sentence.
"""
