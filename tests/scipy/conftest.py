from importlib.util import find_spec

if find_spec("scipy") is None:  # an extra
    collect_ignore_glob = ["test_*.py"]
