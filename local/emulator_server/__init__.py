"""Runs ministack with patches for the differences from AWS that each module lists.

Each patch checks the code that it replaces, and the emulator does not start if that code has changed.
"""
