"""Stands in until the real handler lands: tells CloudFormation that all went well."""

import json
import urllib.request
from typing import Any


def handler(event: dict[str, Any], context: object) -> None:
    """Answer CloudFormation's custom resource request."""
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event["LogicalResourceId"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
