"""Share records: how a front finds a bridge, and which files may be believed.

::

    share_id = new_share_id("Spyder")
    record = describe(share_id, ide="Spyder", title="Console 1/A", ...)   # fills in process, host and times
    publish(record)              # atomic; 0600 in a 0700 folder; again when something in it has changed
    withdraw(share_id)           # idempotent

    choose(list_shares(), cwd=os.getcwd(), explicit=None)   # → ShareRecord | Ambiguous | None

The record's fields are in `docs/protocol.md`, what is refused and why in `docs/security.md`. The standard library
only, and the lean half of it: the front imports this and has 15 MB for everything (so no `dataclasses`, which loads
`inspect`, and no `hashlib`, which loads OpenSSL).
"""

from cokernel.shares.choice import Ambiguous, choose, match
from cokernel.shares.files import TrustedJson, open_trusted_json, replace_file
from cokernel.shares.folders import private_folder
from cokernel.shares.processes import Presence, boot_id, presence, start_time
from cokernel.shares.record import Endpoint, Secret, ShareRecord, is_share_id
from cokernel.shares.store import (
    Refused,
    Scan,
    describe,
    list_shares,
    new_share_id,
    new_socket_path,
    new_token,
    publish,
    scan_shares,
    withdraw,
)
from cokernel.state_folder import state_folder

__all__ = [
    "Ambiguous",
    "Endpoint",
    "Presence",
    "Refused",
    "Scan",
    "Secret",
    "ShareRecord",
    "TrustedJson",
    "boot_id",
    "choose",
    "describe",
    "is_share_id",
    "list_shares",
    "match",
    "new_share_id",
    "new_socket_path",
    "new_token",
    "open_trusted_json",
    "presence",
    "private_folder",
    "publish",
    "replace_file",
    "scan_shares",
    "start_time",
    "state_folder",
    "withdraw",
]
