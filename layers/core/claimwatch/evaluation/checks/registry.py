"""The specifications of all weekly checks."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.evaluation.checks.inputs import Dependencies
from claimwatch.evaluation.checks.spec import CheckSpec
from claimwatch.storage.evaluations import Window


def _load(check: Check) -> CheckSpec:
    """Return ``SPEC`` of the module that is named like the check."""
    spec: CheckSpec = import_module(f"claimwatch.evaluation.checks.{check}").SPEC
    return spec


SPECS: tuple[CheckSpec, ...] = tuple(map(_load, CHECKS))
"""All specifications, in the order of the report."""

BY_WEIGHT: tuple[CheckSpec, ...] = tuple(sorted(SPECS, key=lambda spec: -spec.weight))
"""All specifications, the most important first."""

SPEC_OF: Mapping[Check, CheckSpec] = {spec.name: spec for spec in SPECS}


def checks(deps: Dependencies) -> Mapping[Check, Callable[[Window], list[Finding]]]:
    """Return every check as a function of the window."""
    return {spec.name: partial(spec.findings, deps) for spec in SPECS}
