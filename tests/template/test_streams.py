"""The stream: what Firehose may do, where it writes, and which names of lines it accepts."""

import json
import re
from typing import Any

import jq
import pytest

from claimwatch.domain.contract.contract import LINE_NAME
from tests.template.application import RESOURCES, TEMPLATE, deployed_resources, unconditional

STREAM: dict[str, Any] = RESOURCES["ClaimsStream"]["Properties"]["ExtendedS3DestinationConfiguration"]
PREFIXES = {"${LandingBucket.Arn}/claims/*/stream/*", "${LandingBucket.Arn}/claims-stream-errors/*"}


def processor(kind: str) -> dict[str, str]:
    """Return the parameters of a processor of the stream."""
    [found] = [each for each in STREAM["ProcessingConfiguration"]["Processors"] if each["Type"] == kind]
    return {each["ParameterName"]: each["ParameterValue"] for each in found["Parameters"]}


QUERY = jq.compile(processor("MetadataExtraction")["MetadataExtractionQuery"])


@pytest.mark.parametrize("line", ["motor", "m", "line_2", "a" * 40])
def test_a_record_is_routed_by_the_name_of_its_line(line: str) -> None:
    assert LINE_NAME.fullmatch(line)
    assert QUERY.input_text(json.dumps({"claim_id": "C-1", "line": line})).all() == [{"line": line}]


@pytest.mark.parametrize(
    "record",
    [
        {"line": name}
        for name in (
            *(
                "",
                "Motor",
                "2motor",
                "motor-2",
                "a" * 41,
                "motor\n",
                "\nmotor",
                "motor/..",
                "../outcomes/motor",
            ),
            *("mötor", "motor\0", None, 5, True, ["motor"], {"line": "motor"}),
        )
    ]
    + [{}, {"Line": "motor"}, [], ["motor"], "motor", 5, None],
    ids=repr,
)
def test_a_record_without_a_valid_line_is_an_error_and_reaches_no_folder(record: Any) -> None:
    with pytest.raises(ValueError, match=r"line|index") as refusal:
        QUERY.input_text(json.dumps(record)).all()
    assert "motor" not in str(refusal.value), "the message quotes the record"


def test_objects_of_the_stream_are_written_below_the_folder_of_their_line() -> None:
    assert STREAM["Prefix"].startswith("claims/!{partitionKeyFromQuery:line}/stream/")
    assert STREAM["ErrorOutputPrefix"].startswith("claims-stream-errors/!{firehose:error-output-type}/")
    assert STREAM["CompressionFormat"] == "GZIP"
    assert processor("AppendDelimiterToRecord") == {"Delimiter": "\\n"}
    assert processor("RecordDeAggregation") == {"SubRecordType": "JSON"}


def test_firehose_only_writes_the_files_of_the_stream_and_nobody_else_does() -> None:
    [policy] = RESOURCES["ClaimsStreamRole"]["Properties"]["Policies"]
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    write = statements["WriteStreams"]
    assert {each["Fn::Sub"] for each in write["Resource"]} == PREFIXES
    assert set(write["Action"]) == {"s3:PutObject", "s3:AbortMultipartUpload"}
    denials = RESOURCES["LandingBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [only] = [each for each in map(unconditional, denials) if each["Sid"] == "OnlyTheStreamWritesStreams"]
    assert (only["Effect"], only["Principal"], only["Action"]) == ("Deny", "*", "s3:PutObject")
    assert {each["Fn::Sub"] for each in only["Resource"]} == PREFIXES
    role = {"Fn::GetAtt": ["ClaimsStreamRole", "Arn"]}
    assert only["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": role}}


def test_a_producer_may_put_records_into_this_stream_and_nothing_else() -> None:
    [statement] = RESOURCES["SendStreamPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert set(statement["Action"]) == {"firehose:PutRecord", "firehose:PutRecordBatch"}
    assert statement["Resource"] == {"Fn::GetAtt": ["ClaimsStream", "Arn"]}


def test_a_stack_without_streaming_has_no_stream() -> None:
    assert not [name for name in deployed_resources() if "Stream" in name]
    assert "ClaimsStream" in deployed_resources(StreamingIngestion="true")


def test_the_alarm_of_late_claims_waits_longer_than_the_longest_buffer() -> None:
    longest = TEMPLATE["Parameters"]["StreamBufferSeconds"]["MaxValue"]
    assert RESOURCES["StreamLateAlarm"]["Properties"]["Threshold"] > longest


def test_every_alarm_of_the_stream_names_its_entry_in_the_runbook() -> None:
    for name in ("StreamLateAlarm", "StreamThrottledAlarm"):
        [_] = re.findall(r'docs/runbook.md, "[^"]+"', RESOURCES[name]["Properties"]["AlarmDescription"])
