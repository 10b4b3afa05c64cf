"""Commands that call the API as another system would: with a signature and a purpose."""

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.api import Answer, Api, ApiUnavailable, path_of
from cli.claims_json import claims_of, ndjson_of, packed, requests_of
from cli.options import AsJson, StackName, line_name
from cli.screen import counted, say, show, show_json, show_table
from cli.stack import StackUnreachable, find_api

MOST_REASONS = 3
"""Reasons of a claim that the table shows."""

app = typer.Typer(no_args_is_help=True)

Line = Annotated[str, typer.Option(callback=line_name, help="The line of business.")]
Purpose = Annotated[
    str,
    typer.Option(
        envvar="CLAIMWATCH_PURPOSE",
        help="Why you ask, one of the purposes that the contract of the line lists. It is recorded.",
    ),
]
File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Claims as JSON: one object on each line, or a list of them.",
    ),
]


@app.command()
def scores(
    file: File, line: Line, purpose: Purpose = "testing", stack: StackName = None, as_json: AsJson = False
) -> None:
    """Score claims without storing them, in requests of at most 100 claims.

    The exit code is 1 if the contract rejects a claim.
    """
    claims, api = claims_of(file), find_api(stack, Path.cwd())
    answers, results = [], []
    for first, body in requests_of(claims):
        answer = _send(api, "POST", path_of(line, "scores"), purpose, body)
        answers.append(answer)
        results += [result | {"position": first + result["position"]} for result in answer.content["results"]]
    rejected = sum(result["status"] == "rejected" for result in results)
    if as_json:
        requests = [
            {"request_id": answer.content["request_id"], "seconds": round(answer.seconds, 6)}
            for answer in answers
        ]
        same = {name: answers[-1].content[name] for name in ("line", "model_version", "contract_version")}
        show_json({**same, "requests": requests, "results": results})
    else:
        show_table(
            ("claim", "status", "probability", "percentile", "refer", "why"),
            [_score_row(result) for result in results],
        )
        _say_time(
            f"{counted(len(results), 'claim')} by model {answers[-1].content['model_version']}", answers
        )
    if rejected:
        raise typer.Exit(1)


@app.command()
def claims(
    file: File,
    line: Line,
    purpose: Purpose = "claim_handling",
    key: Annotated[
        str | None,
        typer.Option(
            help="The Idempotency-Key: the same claims sent again with it are stored once.",
            show_default="a new one",
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Send claims to be stored: they become one file, which the pipeline loads and scores."""
    body, packing = packed(ndjson_of(claims_of(file)))
    headers = {"idempotency-key": key or str(uuid.uuid4()), "content-type": "application/x-ndjson"} | packing
    api = find_api(stack, Path.cwd())
    answer = _send(api, "POST", path_of(line, "claims"), purpose, body, headers)
    if as_json:
        show_json(answer.content | {"seconds": round(answer.seconds, 6)})
        return
    show(f"Received as {answer.content['key']}, version {answer.content['version_id']}.")
    say(f"`{answer.content['see']}` shows what became of it.", "dim")
    _say_time("Request", [answer])


@app.command()
def claim(
    claim_id: Annotated[str, typer.Argument(metavar="CLAIM", help="The id of the claim.")],
    line: Line,
    purpose: Purpose = "testing",
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Show how far a stored claim is, its score and the decision."""
    answer = _send(find_api(stack, Path.cwd()), "GET", path_of(line, "claims", claim_id), purpose)
    if as_json:
        show_json(answer.content | {"seconds": round(answer.seconds, 6)})
        return
    found, score, decision = answer.content, answer.content["score"] or {}, answer.content["decision"] or {}
    show_table(
        ("claim", "status", "probability", "percentile", "referred", "model", "fraud"),
        [
            (
                found["claim_id"],
                found["status"],
                _figure(score.get("probability"), 4),
                _figure(score.get("percentile"), 1),
                _yes(score.get("referred")),
                score.get("model_version"),
                _yes(decision.get("is_fraud")),
            )
        ],
    )
    _say_time("Request", [answer])


@app.command()
def models(
    line: Line, purpose: Purpose = "testing", stack: StackName = None, as_json: AsJson = False
) -> None:
    """List the models of a line, and which of them are live."""
    answer = _send(find_api(stack, Path.cwd()), "GET", path_of(line, "models"), purpose)
    if as_json:
        show_json(answer.content | {"seconds": round(answer.seconds, 6)})
        return
    show_table(
        ("model", "status", "live as", "created (UTC)", "contract"),
        [
            (
                model["version"],
                model["status"],
                ", ".join(role["role"] for role in model["roles"]),
                model["created_at"][:19].replace("T", " "),
                model["contract_version"],
            )
            for model in answer.content["models"]
        ],
    )
    _say_time("Request", [answer])


@app.command()
def ready(purpose: Purpose = "testing", stack: StackName = None, as_json: AsJson = False) -> None:
    """Show whether claims of each line can be scored. The exit code is 1 unless all can."""
    answer = _send(find_api(stack, Path.cwd()), "GET", "/v1/ready", purpose)
    if as_json:
        show_json(answer.content | {"seconds": round(answer.seconds, 6)})
    else:
        show_table(
            ("line", "ready", "model"),
            [(each["line"], _yes(each["ready"]), each["model_version"]) for each in answer.content["lines"]],
        )
        _say_time("Request", [answer])
    if not answer.content["ready"]:
        raise typer.Exit(1)


@app.command()
def health(stack: StackName = None, as_json: AsJson = False) -> None:
    """Show whether the API answers at all; nobody has to sign this request."""
    answer = _send(find_api(stack, Path.cwd()), "GET", "/v1/health", None)
    if as_json:
        show_json(answer.content | {"seconds": round(answer.seconds, 6)})
        return
    show(answer.content["status"])
    _say_time("Request", [answer])


def _send(
    api: Api,
    method: str,
    path: str,
    purpose: str | None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer:
    given = {"content-type": "application/json"} if body else {}
    if purpose is not None:
        given["x-purpose"] = purpose
    try:
        return api.request(method, path, body, given | (headers or {}))
    except ApiUnavailable as failure:
        raise StackUnreachable(str(failure)) from failure


def _score_row(result: dict[str, Any]) -> tuple[Any, ...]:
    name = result["claim_id"] or f"number {result['position'] + 1}"
    if result["status"] == "rejected":
        problems = [_sentence(problem) for problem in result["problems"]]
        return name, result["status"], None, None, None, problems
    reasons = [reason["text"] for reason in result["reasons"][:MOST_REASONS]]
    probability, percentile = _figure(result["probability"], 4), _figure(result["percentile"], 1)
    return name, result["status"], probability, percentile, _yes(result["refer"]), reasons


def _sentence(problem: dict[str, Any]) -> str:
    return f"{problem['column']}: {problem['message']}" if problem["column"] else str(problem["message"])


def _figure(number: float | None, digits: int) -> str | None:
    return None if number is None else f"{number:.{digits}f}"


def _yes(flag: bool | None) -> str | None:
    return None if flag is None else "yes" if flag else "no"


def _say_time(what: str, answers: list[Answer]) -> None:
    seconds = sum(answer.seconds for answer in answers)
    requests = f" in {counted(len(answers), 'request')}" if len(answers) > 1 else ""
    say(f"{what}: {seconds * 1000:,.0f} ms{requests}, signature and network included.", "dim")
