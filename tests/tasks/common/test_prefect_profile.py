import pytest

from tasks.common.prefect_profile import api_of_profile

PROFILES = """
active = "work"
[profiles.work]
PREFECT_API_URL = "http://prefect.example.org:4200/api"
[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    monkeypatch.delenv("PREFECT_PROFILE", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    return tmp_path


def test_the_active_profile_names_the_server(home, monkeypatch):
    assert api_of_profile() is None
    (home / "profiles.toml").write_text(PROFILES)
    assert api_of_profile() == "http://prefect.example.org:4200/api"
    monkeypatch.setenv("PREFECT_PROFILE", "ephemeral")
    assert api_of_profile() is None


@pytest.mark.parametrize("wrong", ["[", "active = 1", "profiles = 1"])
def test_a_file_that_cannot_be_read_is_prefect_s_to_report(home, wrong):
    (home / "profiles.toml").write_text(wrong)
    assert api_of_profile() is None
