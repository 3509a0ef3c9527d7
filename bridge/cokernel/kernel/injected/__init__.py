"""What is injected into the user's kernel, so that the bridge can look into it while it is busy.

These modules run in the user's process, beside code and objects that are not ours. So they:

* import the standard library only (3.8 or newer) and never a library of the user,
* never run code of an object they look at: no `repr`, `len`, `getattr`, `isinstance` or `==` on unknown types,
* never print, never leave a name in the user's namespace, never keep a user's object alive,
* bound all they do and all they say by time, number and size.

`bootstrap.py` is sent as source together with the others (`PARTS`, in the order of their imports) and makes modules of
them that only the handler of our message type refers to: they do not stay in `sys.modules`, where autoreload and
Spyder's module reloader would find them. `cokernel.kernel.inkernel` is the side that talks to it.
"""

PARTS = (
    "budgets",
    "objects",
    "scalars",
    "texts",
    "libraries",
    "briefs",
    "names",
    "fingerprints",
    "uses",
    "snapshots",
    "paths",
    "tables",
    "cards",
    "stacks",
    "guard",
    "owners",
    "service",
)
