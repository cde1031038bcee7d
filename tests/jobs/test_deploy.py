"""Examples for operators, read by the programs they are for: systemd, nginx, Caddy, Compose, Prometheus."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from terminal import three_streams, until
from workshop import Workshop, body_of

from assembler.jobs.store.model import JobState
from assembler.options import Options
from assembler.settings import variable_of
from jobs.web.test_webhook import KEY, event, post, served, signed

WAITS = {"series": 'assembler_jobs{state="waiting"}', "values": "2x100"}
"""Series of jobs that wait, for every alert."""
DEPLOY = Path(__file__).parents[2] / "fixtures" / "deploy"
SECRETS = {
    "ASSEMBLER_CALLBACK_KEY": KEY, "ASSEMBLER_PAGE_TOKEN": "t" * 20, "POSTGRES_PASSWORD": "p",
    "STORAGE_PASSWORD": "s" * 8,
}  # fmt: skip


def run(*words: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    known = {**os.environ, **environment}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env=known, cwd=folder)


def assert_well(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


class TestSystemd:
    @pytest.fixture
    def units(self, tmp_path: Path) -> list[Path]:
        """The units, as on a machine where assembler is installed in this environment."""
        installed = Path(sys.executable).with_name("assembler")
        for unit in DEPLOY.glob("*.service"):
            text = unit.read_text("utf-8").replace("/opt/assembler/bin/assembler", str(installed))
            (tmp_path / unit.name).write_text(text, "utf-8")
        found = sorted(tmp_path.glob("*.service"))
        assert len(found) == 2
        return found

    def test_the_units_are_right(self, units: list[Path]) -> None:
        done = run("systemd-analyze", "verify", "--man=no", *map(str, units))
        assert_well(done)
        assert done.stderr == ""

    def test_and_give_what_they_run_no_more_than_it_needs(self, units: list[Path]) -> None:
        for unit in units:
            assert_well(run("systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)))

    def test_their_verbs_and_flags_are_there(self, units: list[Path]) -> None:
        for unit in units:
            (start,) = re.findall(r"^ExecStart=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
            words = [*start.split(), "--help"]
            assert_well(run(sys.executable, "-m", "assembler", *words[1:]))


class TestProxies:
    """Each before a real server: the outside reaches callbacks, and not the pages."""

    def assert_guards(self, ask: requests.Session, place: str) -> None:
        def status(host: str, path: str) -> int:
            return ask.get(f"{place}{path}", headers={"Host": host}, timeout=10).status_code

        body = signed(event())
        taken = ask.post(f"{place}/callback", data=body, headers={"Host": "recordings.example.com"}, timeout=10)
        assert (taken.status_code, taken.json()) == (200, {"error_code": 0})
        for path in ("/", "/jobs/t1", "/jobs/t1/video", "/metrics", "/healthz", "/callbacks", "/callback/../jobs/t1"):
            assert status("recordings.example.com", path) == 404
        assert status("pages.example.com", "/metrics") == 404
        assert status("pages.example.com", "/healthz") == 200

    @contextmanager
    def ahead(self, *words: str, port: int, **environment: str) -> Iterator[None]:
        if shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed")
        with subprocess.Popen(
            words, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        ) as proxy:
            try:
                until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 20)
                yield
            finally:
                proxy.terminate()

    @pytest.fixture
    def server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.setenv("ASSEMBLER_HOME", str(tmp_path / "home"))
        with served(callback_key=KEY, public_hosts="pages.example.com") as url:
            yield url.removeprefix("http://")

    def test_nginx(self, server: str, tmp_path: Path) -> None:
        port, key, certificate = free_port(), tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
        text = (DEPLOY / "nginx.conf").read_text("utf-8")
        changes = {"listen 443": f"listen 127.0.0.1:{port}", "127.0.0.1:8000": server, "/etc/ssl/assembler": tmp_path}
        for was, now in changes.items():
            assert text.count(was) >= 2
            text = text.replace(was, str(now))
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
        named = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        assert_well(run(*made, *named))
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        around = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
        whole = tmp_path / "nginx.conf"
        whole.write_text(
            f"daemon off; pid {tmp_path}/pid; events {{}} http {{ access_log off; {around} {text} }}", "utf-8"
        )
        words = ("nginx", "-e", str(tmp_path / "errors"), "-c", str(whole))
        assert_well(run(*words, "-t"))
        with self.ahead(*words, port=port), requests.Session() as ask:
            ask.trust_env, ask.verify = False, str(certificate)
            self.assert_guards(ask, f"https://127.0.0.1:{port}")

    def test_caddy(self, server: str, tmp_path: Path) -> None:
        port = free_port()
        places = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
        names = {
            "CALLBACK_HOST": f"http://recordings.example.com:{port}",
            "PAGES_HOST": f"http://pages.example.com:{port}",
        }
        whole = tmp_path / "Caddyfile"
        whole.write_text("{\n\tadmin off\n}\n" + (DEPLOY / "Caddyfile").read_text("utf-8"), "utf-8")
        words = ("caddy", "run", "--adapter", "caddyfile", "--config", str(whole))
        with self.ahead(*words, port=port, ASSEMBLER=server, **names, **places), requests.Session() as ask:
            self.assert_guards(ask, f"http://127.0.0.1:{port}")
        assert_well(run("caddy", "fmt", "--diff", str(DEPLOY / "Caddyfile")))


class TestPrometheus:
    def test_its_files_are_right(self) -> None:
        assert_well(run("promtool", "check", "config", "--lint-fatal", str(DEPLOY / "prometheus.yml")))

    def test_alerts_fire_when_they_should_and_not_before(self, tmp_path: Path) -> None:
        cases = {
            "AssemblerDown": ('up{job="assembler"}', "0x60", "0m", "10m"),
            "AssemblerQueueOld": ("assembler_queue_age_seconds", "3000+60x60", "10m", "40m"),
            "AssemblerNobodyWorks": ("assembler_workers", "1x9 0x50", "12m", "20m"),
            "AssemblerFailures": ("assembler_failures_last_hour", "0x9 4x50", "9m", "20m"),
            "AssemblerDegraded": ("assembler_jobs_degraded", "10x9 30x50", "9m", "30m"),
            "AssemblerResultsMissing": ("assembler_results_missing", "1x100", "50m", "70m"),
            "AssemblerLinksExpiring": ("assembler_links_expiring", "0x9 1x50", "15m", "25m"),
            "AssemblerDiskLow": ('assembler_disk_free_bytes{place="home"}', "3e10-1e9x60", "15m", "25m"),
            "AssemblerDiskFull": ('assembler_disk_free_bytes{place="home"}', "3e10-1e9x60", "29m", "35m"),
            "AssemblerCallbacksRefused": ('assembler_callbacks_total{status="403"}', "0x9 0+1x50", "10m", "40m"),
            "AssemblerSpooled": ("assembler_spooled", "0x9 1x50", "15m", "25m"),
            "AssemblerNoticesWaiting": ("assembler_notices_waiting", "0x9 30x90", "30m", "50m"),
        }
        written = (DEPLOY / "alerts.yml").read_text("utf-8")
        assert set(cases) == set(re.findall(r"- alert: (\w+)", written))
        tests = []
        for name, (series, values, quiet, fires) in cases.items():
            fired = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
            tests.append({
                "interval": "1m", "input_series": [{"series": series, "values": values}, WAITS],
                "promql_expr_test": [
                    {"expr": fired, "eval_time": at, "exp_samples": samples}
                    for at, samples in ((quiet, []), (fires, [{"labels": "{}", "value": 1}]))
                ],
            })  # fmt: skip
        path = tmp_path / "tests.json"
        path.write_text(json.dumps({"rule_files": [str(DEPLOY / "alerts.yml")], "tests": tests}))
        assert_well(run("promtool", "test", "rules", str(path)))

    def test_the_dashboard_asks_what_prometheus_can_answer(self, tmp_path: Path) -> None:
        rules = [{"record": f"panel:{number}", "expr": said} for number, said in enumerate(dashboard_queries())]
        assert len(rules) > 10
        path = tmp_path / "panels.json"
        path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
        assert_well(run("promtool", "check", "rules", str(path)))


def dashboard_queries() -> list[str]:
    panels = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_every_figure_that_is_asked_for_is_one_that_the_server_tells(tmp_path: Path) -> None:
    asked = " ".join([(DEPLOY / "alerts.yml").read_text("utf-8"), *dashboard_queries()])
    with Workshop.opened(tmp_path) as shop:
        (job,) = shop.hand_in(body_of(three_streams()))
        shop.records.change(job.id, state=JobState.DONE, verdict="ok", output="x", length=6_000, wall=2_000)
        with served(callback_key=KEY) as url:
            post(url, b"{}")
            told = requests.get(f"{url}/metrics", timeout=10).text
    names = set(re.findall(r"^(assembler_\w+)", told, re.MULTILINE))
    assert set(re.findall(r"\bassembler_\w+", asked)) <= names
    states = set(re.findall(r"assembler_jobs\{state=~\"([\w|]+)", asked))
    assert {state for some in states for state in some.split("|")} <= set(JobState)


def test_every_setting_in_them_is_one() -> None:
    known = {variable_of(name) for name in Options.model_fields} | {"ASSEMBLER_CONFIG"}
    for path in DEPLOY.iterdir():
        named = set(re.findall(r"\bASSEMBLER_[A-Z0-9_]+", path.read_text("utf-8")))
        assert named <= known, path.name


def test_compose_reads_its_file(tmp_path: Path) -> None:
    told = (DEPLOY / "compose.env").read_text("utf-8")
    for name, value in SECRETS.items():
        assert f"{name}=\n" in told
        told = told.replace(f"{name}=\n", f"{name}={value}\n")
    (tmp_path / "env").write_text(told, "utf-8")
    words = ("docker-compose", "-f", str(DEPLOY / "compose.yaml"), "--env-file")
    assert_well(run(*words, str(tmp_path / "env"), "config", "-q"))
    lacking = run(*words, str(DEPLOY / "compose.env"), "config", "-q")
    assert lacking.returncode != 0, "nobody starts it without passwords"


def test_the_image_is_written_as_images_should_be() -> None:
    assert_well(run("hadolint", str(DEPLOY / "Containerfile")))
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", text)
    declared = (DEPLOY.parents[1] / "pyproject.toml").read_text("utf-8")
    assert all(f"\n{extra} = [" in declared for extra in extras.split(","))
