"""The laptop's AWS: an emulator with IAM enforced, and PostgreSQL, on free loopback ports.

Everything that a stack writes is below one folder (`.local/` for `make up`), so stacks in different folders
are independent. Servers end with the process that started them; `make up` starts a supervisor that stays.
Only Linux on x86-64 is supported, because the layers are built for Lambda's platform.
"""
