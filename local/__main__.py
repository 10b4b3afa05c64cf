"""Command line of the laptop's AWS: `python -m local COMMAND`; `--help` lists the commands."""

import argparse
import sys

from local import servers
from local.demo import show
from local.dev_server import serve_desk_until_interrupted
from local.emulator import PROJECT, ROOT_KEY, ROOT_SECRET
from local.mlflow_server import serve_until_interrupted
from local.processes import StartupFailed, report_progress
from local.rehearsal import rehearse
from local.stack import LaptopStack
from release.errors import ReleaseRefused

FOLDER = PROJECT / ".local"


def up() -> int:
    """Bring the stack up and leave it running."""
    stack = LaptopStack(FOLDER, detached=True).up()
    print(f"AWS          {stack.endpoint_url}  (key {ROOT_KEY}, secret {ROOT_SECRET}, region {stack.region})")
    print(f"PostgreSQL   {stack.database_url}")
    print(f"Desk         {stack.desk_url}  (sign in as one of the users below)")
    for name, value in sorted(stack.outputs.items()):
        print(f"{name:<28} {value}")
    for user in stack.users:
        print(f"{user.name:<28} {user.password}  (signs in with this password; {user.group})")
    print(f"This information is in {FOLDER / 'stack.json'}. `make down` stops the stack.")
    return 0


def down() -> int:
    """Stop the stack."""
    LaptopStack(FOLDER, detached=True).down()
    return 0


def status() -> int:
    """Print which servers run; return 1 if none does."""
    running = servers.recorded(FOLDER)
    if running is None or not running.alive():
        print("Nothing is running. `make up` starts it.")
        return 1
    deployed = "deployed" if (FOLDER / "stack.json").exists() else "not deployed"
    print(f"AWS          {running.endpoint_url}  ({deployed})")
    print(f"PostgreSQL   {running.database_url}")
    print(f"Desk         {running.desk_url}")
    print(f"Logs         {FOLDER / 'logs'}")
    return 0


def demo() -> int:
    """Run the demo."""
    return show(LaptopStack(FOLDER, detached=True))


def main() -> int:
    """Run one command."""
    commands = {"up": up, "down": down, "status": status, "demo": demo}
    parser = argparse.ArgumentParser(prog="python -m local", description="The laptop's AWS.")
    parser.add_argument("command", choices=[*commands, "desk", "mlflow", "rehearsal"])
    parser.add_argument("--port", type=int, help="port of MLflow's interface; by default, a free port")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        help="rehearsal: a scenario after the first release; repeatable",
    )
    options = parser.parse_args()
    commands |= {
        "desk": lambda: serve_desk_until_interrupted(FOLDER),
        "mlflow": lambda: serve_until_interrupted(FOLDER, options.port),
        "rehearsal": lambda: rehearse(FOLDER / "rehearsal", set(options.only)),
    }
    try:
        return commands[options.command]()
    except (StartupFailed, ReleaseRefused) as failure:
        report_progress(str(failure))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
