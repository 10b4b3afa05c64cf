"""The settings of a function, read from its environment once, on first use."""

import os
from dataclasses import dataclass, fields
from functools import cache


@dataclass(frozen=True)
class Settings:
    """What the template tells a function; a name that this function is not given stays empty."""

    database_secret_arn: str = ""
    personal_data_key_arn: str = ""
    landing_bucket: str = ""
    artifact_bucket: str = ""
    alert_topic_arn: str = ""
    claims_pipeline_arn: str = ""
    score_claims_arn: str = ""
    training_template_id: str = ""
    training_max_hours: str = ""
    evaluation_queue_url: str = ""
    function_log_group: str = ""
    watched_queue_urls: str = ""
    dead_letter_queue_urls: str = ""
    code_version: str = ""


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings(**{field.name: os.environ.get(field.name.upper(), "") for field in fields(Settings)})
