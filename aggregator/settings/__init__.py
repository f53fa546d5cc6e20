"""The environment -> Settings, with every wrong value reported at once. It opens no database and no connection."""

from aggregator.settings.environment import load, names, secret_lookup
from aggregator.settings.model import Settings
from aggregator.settings.values import Log, Secret, mask_password

__all__ = ["Log", "Secret", "Settings", "load", "mask_password", "names", "secret_lookup"]
