"""Settings of a function, read from its environment whenever they are used.

The template gives each function only the variables that it needs.
"""

import os
from collections.abc import Callable

from claimwatch.errors import ClaimwatchError


class MissingSetting(ClaimwatchError):
    """An environment variable that this function needs is not set, or has a value that cannot be read."""


class _Variable[T]:
    """An environment variable, named like the attribute but in capital letters, and how it is parsed.

    One with a value for ``unset`` may be missing.
    """

    def __init__(self, parse: Callable[[str], T], unset: T | None = None) -> None:
        self._parse = parse
        self._unset = unset
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name.upper()

    def __get__(self, instance: object, owner: type) -> T:
        text = os.environ.get(self._name, "")
        if not text and self._unset is not None:
            return self._unset
        if not text:
            raise MissingSetting(f"the environment variable {self._name} is not set")
        try:
            return self._parse(text)
        except ValueError as error:
            raise MissingSetting(f"the environment variable {self._name} cannot be read: {error}") from None


class Settings:
    """The variables of all functions; reading one that is not set raises ``MissingSetting``."""

    database_parameter = _Variable(str)
    database_secret_arn = _Variable(str)
    database_parameters = _Variable(str)
    live_parameters = _Variable(str)
    contract_parameters = _Variable(str)
    draw_key_parameter = _Variable(str)
    published_parameters = _Variable(str)
    landing_bucket = _Variable(str)
    score_records_queue_url = _Variable(str)
    scoring_warmth = _Variable(str, unset="none")
    personal_data_key_arn = _Variable(str)
    artifact_bucket = _Variable(str)
    alert_topic_arn = _Variable(str)
    claims_pipeline_arn = _Variable(str)
    score_claims_arn = _Variable(str)
    training_template_id = _Variable(str)
    training_max_hours = _Variable(float)
    training_subnets = _Variable[list[str]](str.split, unset=[])
    contracts_queue_url = _Variable(str)
    evaluation_queue_url = _Variable(str)
    request_bus = _Variable(str)
    stack_name = _Variable(str)
    function_log_group = _Variable(str)
    watched_queue_urls = _Variable(str.split)
    dead_letter_queue_urls = _Variable(str.split)
    audit_bucket = _Variable(str)
    seal_queue_url = _Variable(str)
    publication_queue_url = _Variable(str)
    publication_delay_seconds = _Variable(float)
    desk_bucket = _Variable(str)
    code_version = _Variable(str)
    identity_name_claim = _Variable(str)
    identity_groups_claim = _Variable(str)
    what_if_function = _Variable(str)
    new_version = _Variable(str)
    live_alias = _Variable(str)
    schedule_group = _Variable(str)
    schedule_role_arn = _Variable(str)
    schedule_dead_letters_arn = _Variable(str)
    pull_source_arn = _Variable(str)
    watch_source_arn = _Variable(str)
    wanted_differences = _Variable(str, unset="none")
    tree_sha256 = _Variable(str, unset="")


settings = Settings()
"""The settings of this process."""
