"""Migrate the database's schema to this version of the code, and renew all logins, at deployment.

The key that draws claims of equal scores is made by a migration; the online scorer reads it elsewhere.
"""

from collections.abc import Mapping
from contextlib import closing

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.custom_resource import Request, respond
from claimwatch.observability import logger, without_messages
from claimwatch.photos.line_views import complete_lines
from claimwatch.storage.connection import Database
from claimwatch.storage.logins import TASKS, renew_logins
from claimwatch.storage.migrate import migrate_with_retry
from claimwatch.storage.owning_stack import check_stack, keep_stack
from claimwatch.storage.permissions import SEPARATIONS, separate_duties
from claimwatch.storage.scores import audit_key


@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Answer CloudFormation."""
    respond(event, context, bring_up_to_date)


def bring_up_to_date(request: Request) -> Mapping[str, str]:
    """Run the pending migrations and renew the login of every task; the data outlives the stack.

    A database that belongs to another stack is refused before anything changes.
    """
    if request.kind == "Delete":
        runtime.logins().delete(TASKS)  # from then on, nobody knows the passwords
        runtime.draw_key().delete()
        return {}
    with closing(runtime.owned_database()) as database:  # nobody stays connected as the owner
        stack = request.property("Stack")
        check_stack(database, stack)
        ran = [f"{migration.number:04}_{migration.name}" for migration in migrate_with_retry(database)]
        keep_stack(database, stack)
        lines = complete_lines(database)
        duties = request.choice("SeparationOfDuties", SEPARATIONS)
        separate_duties(database, duties, stack)
        renew_logins(database, runtime.owner_secret(), runtime.logins())
        runtime.draw_key().put(draw_key_of(database))
    logger.info("schema migrated", extra={"migrations": ran, "lines_with_photos": lines})
    return {"Migrations": ", ".join(ran)}


def draw_key_of(database: Database) -> bytes:
    """Return the key that draws claims of equal scores."""
    with database.transaction() as cursor:
        return audit_key(cursor)
