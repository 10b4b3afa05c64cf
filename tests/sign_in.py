"""Signs in as a person: what the laptop does, under the name by which tests know it."""

from local.sign_in import FORM, SignInRefused, request, sign_in

__all__ = ["FORM", "SignInRefused", "request", "sign_in"]
