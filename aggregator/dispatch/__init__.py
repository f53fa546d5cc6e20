"""Station 2, from pending matches to mail that went out.

open due digests > compose > render > freeze (digest, ledger rows and final bytes together) > claim > send > record
"""

from aggregator.dispatch.dispatcher import Dispatched, Dispatcher
from aggregator.dispatch.opening import Opener
from aggregator.dispatch.returns import Returns
from aggregator.dispatch.sending import DRAIN, Sender

__all__ = ["DRAIN", "Dispatched", "Dispatcher", "Opener", "Returns", "Sender"]
