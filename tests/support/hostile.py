"""A namespace made to harm whoever looks at it: code for a kernel under test.

Every method of these objects notes its name in `calls`; a look must leave that list empty.
"""

HOSTILE = r'''
import types
calls = []
_names = """__repr__ __str__ __len__ __getattr__ __getattribute__ __sizeof__ __eq__ __hash__ __iter__ __contains__
__getitem__ __bool__ __format__ __dir__ __reduce__ __reduce_ex__ __instancecheck__ __subclasscheck__ __call__ __int__
__index__ __float__ __array__ __array_interface__ __next__ __enter__ __set_name__ __missing__ keys items values shape
dtype nbytes""".split()

def _note(name):
    def method(self, *args, **kwargs):
        calls.append(name)
        raise RuntimeError(name)
    return method

def _computed(name):
    return property(lambda self: calls.append(name))

_body = {name: _note(name) for name in _names}
_facts = {n: _computed(n) for n in ("__class__", "__dict__", "__doc__", "__module__", "_mgr", "__name__")}
Meta = type("Meta", (type,), {n: _note("meta " + n) for n in _names if n not in ("__hash__", "__eq__", "__call__")})

evil = object.__new__(type("Evil", (), {**_body, **_facts}))
via_meta = object.__new__(type.__call__(Meta, "ViaMeta", (), dict(_body)))
meta_class = type.__call__(Meta, "MetaClass", (), {})
fake_array = object.__new__(type("ndarray", (), {**_body, "__module__": "numpy"}))
fake_frame = object.__new__(type("DataFrame", (), {**_body, "__module__": "pandas"}))
evil_dict = dict.__new__(type("EvilDict", (dict,), dict(_body)))
dict.__setitem__(evil_dict, "k", evil)
evil_list = list.__new__(type("EvilList", (list,), dict(_body)))
list.append(evil_list, evil)
evil_str = str.__new__(type("EvilStr", (str,), dict(_body)), "text")
evil_int = int.__new__(type("EvilInt", (int,), dict(_body)), 7)
evil_float = float.__new__(type("EvilFloat", (float,), dict(_body)), 7.5)
evil_type = type("EvilModule", (types.ModuleType,), dict(_body))
evil_module = types.ModuleType.__new__(evil_type, "evil_module")
types.ModuleType.__init__(evil_module, "evil_module")
inside = {"a": [evil, evil_str, (evil_int,)], "b": {"c": evil_dict}}
def trusted(x, default=evil): pass
trusted.__wrapped__ = evil
trusted.__signature__ = evil
trusted.__doc__ = evil_str
class Holder: pass
holder = Holder(); holder.evil = evil; holder.name = evil_str
class Key:
    def __hash__(self): calls.append("key hash"); return 5
    def __eq__(self, other): calls.append("key eq"); return False
globals()[Key()] = 1
globals()[3] = 2
recursive = []; recursive.append(recursive)
loop = {}; loop["me"] = loop
import numpy as np, pandas as pd
# numpy and pandas themselves ask what they are given; these keep quiet until they are shown.
_quiet = {n: _body[n] for n in "__repr__ __str__ __len__ __eq__ __hash__ __bool__ __format__ __sizeof__".split()}
quiet = type("Quiet", (), _quiet)()
objects = np.empty(3, dtype=object); objects[0] = quiet; objects[1] = quiet
table = pd.DataFrame({"n": [1, 2, 3]}); table["o"] = pd.Series(objects, dtype=object)
calls.clear()
'''

LARGE = r"""
import numpy as np, pandas as pd
ten_million = pd.DataFrame({c: np.zeros(10_000_000) for c in "abc"})
gigabyte = np.empty(1 << 27)
long_text = "é" * 50_000_000
big_int = 1 << 3_000_000
many = list(range(1_000_000))
for i in range(1000): globals()[f"v{i}"] = (i, str(i), {"k": i}, [i])[i % 4]
"""
