"""A second folder on another disk, always as new as the vault's log and keys: what a data backup must not carry.

``mirror/log`` and ``mirror/keys`` are laid out as ``vault/log`` and ``vault/keys``. How the two writes are ordered, and what
a crash leaves: ``log_files`` and ``key_files``.
"""

from glassplate.mirror.beginning import begin_mirror
from glassplate.mirror.mirror import Mirror, MirrorState, mirror_state
from glassplate.mirror.place import MirrorAway, city_text

__all__ = ["Mirror", "MirrorAway", "MirrorState", "begin_mirror", "city_text", "mirror_state"]
