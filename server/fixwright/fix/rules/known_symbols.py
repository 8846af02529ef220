"""Where well-known names come from, for the missing import. Standard library, and a few customs."""

from __future__ import annotations

_BY_MODULE = {
    "abc": "ABC ABCMeta abstractmethod",
    "argparse": "ArgumentParser Namespace",
    "collections": "Counter OrderedDict defaultdict deque namedtuple ChainMap",
    "collections.abc": (
        "Awaitable AsyncIterator Callable Collection Generator Hashable Iterable Iterator Mapping"
        " MutableMapping MutableSequence Sequence"
    ),
    "concurrent.futures": "ThreadPoolExecutor ProcessPoolExecutor as_completed",
    "contextlib": "contextmanager asynccontextmanager suppress closing ExitStack redirect_stdout",
    "copy": "deepcopy",
    "dataclasses": "dataclass field asdict astuple replace",
    "datetime": "datetime timedelta timezone date",
    "decimal": "Decimal ROUND_HALF_UP getcontext",
    "enum": "Enum IntEnum StrEnum IntFlag Flag auto",
    "fractions": "Fraction",
    "functools": (
        "lru_cache cache cached_property partial reduce wraps total_ordering singledispatch"
    ),
    "heapq": "heappush heappop heapify nlargest nsmallest",
    "hashlib": "sha256 md5 sha1",
    "io": "StringIO BytesIO",
    "itertools": (
        "accumulate chain combinations combinations_with_replacement cycle groupby islice pairwise"
        " permutations product repeat starmap takewhile dropwhile zip_longest"
    ),
    "math": (
        "sqrt ceil floor pi gcd factorial sin cos log isclose hypot prod inf nan radians degrees"
    ),
    "operator": "itemgetter attrgetter mul",
    "os.path": "basename dirname exists isfile isdir",
    "pathlib": "Path PurePath PurePosixPath",
    "pprint": "pprint pformat",
    "queue": "Queue PriorityQueue",
    "random": "randint choice shuffle sample uniform randrange",
    "statistics": "mean median stdev mode",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits punctuation Template",
    "subprocess": "Popen check_output CalledProcessError",
    "tempfile": "TemporaryDirectory NamedTemporaryFile",
    "textwrap": "dedent indent",
    "threading": "Thread Lock Event",
    "time": "sleep perf_counter monotonic time",
    "types": "SimpleNamespace MappingProxyType",
    "typing": (
        "Any Callable ClassVar Dict Final Generic Iterable Iterator List Literal NamedTuple"
        " NoReturn Optional Protocol Sequence Set Tuple Type TypeVar TypedDict Union cast overload"
        " TYPE_CHECKING Annotated Self"
    ),
    "unittest": "TestCase",
    "unittest.mock": "MagicMock Mock patch",
    "urllib.parse": "urlparse urlencode urljoin quote unquote",
    "urllib.request": "urlopen",
    "uuid": "uuid4 UUID",
    "bisect": "bisect_left bisect_right insort",
    "json": "JSONDecodeError",
    "glob": "glob",
    "secrets": "token_hex",
}

# Names that are customarily bound to a module. They are proposed only where a run or the workspace
# shows that the module can be had.
MODULE_ALIASES = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    "tf": "tensorflow",
    "sns": "seaborn",
    "dt": "datetime",
    "ET": "xml.etree.ElementTree",
    "mp": "multiprocessing",
    "tk": "tkinter",
}

# Modules in which something callable has the module's own name.
SAME_NAME = frozenset(
    {"bisect", "copy", "datetime", "glob", "pprint", "random", "time", "uuid", "dis", "decimal"}
)

# What moved to another module.
MOVED = {
    ("collections", name): "collections.abc" for name in _BY_MODULE["collections.abc"].split()
} | {("fractions", "gcd"): "math", ("cgi", "escape"): "html", ("time", "clock"): "time"}

# Modules that have another name in Python 3.
RENAMED_MODULES = {
    "Queue": "queue", "ConfigParser": "configparser", "cPickle": "pickle", "Tkinter": "tkinter",
    "StringIO": "io", "urllib2": "urllib.request", "urlparse": "urllib.parse",
    "HTMLParser": "html.parser", "SocketServer": "socketserver", "httplib": "http.client",
    "__builtin__": "builtins", "thread": "_thread", "commands": "subprocess",
    "cStringIO": "io", "Cookie": "http.cookies", "xmlrpclib": "xmlrpc.client",
}  # fmt: skip


def modules_of(name: str) -> list[str]:
    """The modules from which a well-known name is imported, the likeliest first."""
    return [module for module, names in _BY_MODULE.items() if name in names.split()]


def members(module: str) -> list[str]:
    """The well-known names of a module."""
    return _BY_MODULE.get(module, "").split()
