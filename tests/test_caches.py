from pathlib import Path

from calligrad.caches import cache_folder


def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("CALLIGRAD_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("CALLIGRAD_CACHE")
    assert cache_folder().is_relative_to(Path.home())
    assert "calligrad" in cache_folder().parts
