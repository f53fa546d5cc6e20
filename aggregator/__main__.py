"""The command `aggregator`, which `python -m aggregator` is too.

It imports next to nothing by itself: a service that is told to stop while Python still reads its modules ends well, too.
"""

import os
import signal
import sys


def main() -> None:
    """Run the command line of this process. Never returns: it exits with the command's code."""
    if is_service(sys.argv[1:]):
        # Until the service listens itself there is nothing to end in order.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave)
    from aggregator.cli import execute  # noqa: PLC0415 - what takes long to import comes after the signals

    sys.exit(execute(sys.argv[1:]))


def is_service(args: list[str]) -> bool:
    """Whether a command line asks for what runs until it is told to stop, which is then no failure."""
    return args[:1] in [["run"], ["worker"]] and "--once" not in args


def _leave(_number: int, _frame: object) -> None:
    # An exception would be lost where Python swallows them: in a weak reference's callback, which each import has.
    # What is being written then is a transaction, or a file that is put in its place when it is whole.
    os._exit(0)


if __name__ == "__main__":
    main()
