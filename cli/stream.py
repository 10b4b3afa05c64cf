"""Commands about the stream: send a file record by record, and send again what could not be routed."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.objects import ObjectMissing, ObjectRef
from claimwatch.domain.files.stream_files import is_undelivered
from claimwatch.domain.files.undelivered import UndeliveredRecord, undelivered_records
from claimwatch.errors import RefusedData
from claimwatch.storage import ledger
from cli.options import AsJson, StackName, line_name, stack_of
from cli.record_sender import LARGEST_RECORD, Record, RecordSender, Sent
from cli.screen import counted, say, show, show_json
from cli.stack import StackUnreachable, find_clients
from cli.stream_records import Unsendable, records_of, routed

SHOWN = 20
"""Records that are listed with the reason why they were not sent."""

app = typer.Typer(no_args_is_help=True)

Line = Annotated[str, typer.Option(callback=line_name, help="The line of business of the records.")]


@app.command()
def send(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="The claims.")
    ],
    line: Line,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Send the rows of a file to the stream, each as a record: NDJSON, JSON, CSV or Parquet.

    Values of CSV are sent as text. The exit code is 1 if a record was not sent.
    """
    sender = sender_of(stack)
    unsendable = Unsendable()
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:
        sent = sender.send(records_of(file, line, Path(folder), unsendable))
    _report(sent, unsendable, as_json=as_json)


@app.command()
def replay(
    ctx: typer.Context,
    file_id: Annotated[
        int, typer.Argument(help="The number in the ledger of a file of records that could not be routed.")
    ],
    line: Line,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Send records that could not be routed to the stream again, as records of a line.

    A member that names their line is replaced. Records that are not JSON objects stay in the file. The exit
    code is 1 if a record was not sent.
    """
    target = stack_of(ctx, stack)
    try:
        with target.database.transaction() as cursor:
            file = ledger.get(cursor, file_id)
    except LookupError:
        raise RefusedData(f"there is no file {file_id}: `claimwatch files` lists them") from None
    if not is_undelivered(file.key):
        raise RefusedData(
            f"file {file_id} has no records that the stream could not route: load it with"
            f" `claimwatch replay {file_id}`"
        )
    blocks = target.objects.read(ObjectRef(file.bucket, file.key, file.version_id))
    unsendable = Unsendable()
    try:
        sent = sender_of(stack).send(_again(undelivered_records(blocks), line, unsendable))
    except ObjectMissing:
        raise RefusedData(f"file {file_id} was deleted: there is nothing to send") from None
    _report(sent, unsendable, as_json=as_json)


def _again(records: Iterable[UndeliveredRecord], line: str, unsendable: Unsendable) -> Iterator[Record]:
    for record in records:
        try:
            if record.data is None:
                raise ValueError("what Firehose wrote about the record is damaged")
            data = routed(record.data.decode("utf-8", "replace"), line, replace=True)
            if len(data) > LARGEST_RECORD:
                raise ValueError(f"the record has more than {LARGEST_RECORD >> 10:,} KiB")
        except ValueError as refusal:
            unsendable.add(record.number, str(refusal))
        else:
            yield Record(record.number, data)


def sender_of(stack: str | None) -> RecordSender:
    """Return a sender to the stream of a stack; its database is not opened."""
    name, client = find_clients(stack, Path.cwd())
    return RecordSender(client("firehose"), _stream_of(name, client))


def _stream_of(name: str, client: Callable[[str], Any]) -> str:
    try:
        (described,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise StackUnreachable(
            f"stack {name} cannot be looked up ({error}): choose it with --stack, and its account and region"
            " as for the AWS command line"
        ) from error
    for output in described.get("Outputs", []):
        if output["OutputKey"] == "ClaimsStreamName":
            return str(output["OutputValue"])
    raise StackUnreachable(f"stack {name} has no stream: deploy it with StreamingIngestion=true")


def _report(sent: Sent, unsendable: Unsendable, *, as_json: bool) -> None:
    reasons = unsendable.reasons + [(number, "the stream did not accept it") for number in sent.failed]
    reasons.sort()
    if as_json:
        show_json(
            {
                "sent": sent.sent,
                "retried": sent.retried,
                "not_sent": [{"record": number, "why": why} for number, why in reasons],
            }
        )
    else:
        show(f"{counted(sent.sent, 'record')} sent, {len(reasons):,} not sent.")
        for number, why in reasons[:SHOWN]:
            show(f"  record {number:,}: {why}")
        if len(reasons) > SHOWN:
            say(f"{len(reasons) - SHOWN:,} more are listed with --json.", "dim")
        say("`claimwatch files` shows the files of the stream once they are written.", "dim")
    if reasons:
        raise typer.Exit(1)
