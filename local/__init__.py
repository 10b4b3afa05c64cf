"""The laptop's AWS: an emulator with IAM enforced, and PostgreSQL, on loopback ports that are free.

Everything that a stack writes is below one folder (`.local/` for `make up`), so that two stacks in two
folders share nothing. Servers end with the process that started them; `make up` detaches a supervisor.
Linux on x86-64, as the layers are built for Lambda's own platform.
"""
