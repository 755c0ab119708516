"""What there is for machines without Kubernetes: systemd's units and the compose file."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml
from support import ROOT, executable
from test_executables import keys

SYSTEMD = ROOT / "deploy" / "systemd"
COMPOSE = ROOT / "deploy" / "compose"


class Units(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_systemd_has_nothing_against_them(self):
        for unit in sorted(SYSTEMD.glob("*.service")):
            with tempfile.TemporaryDirectory() as directory:
                # It wants the executable to be there.
                program = shutil.which("true")
                path = pathlib.Path(directory) / unit.name
                path.write_text(unit.read_text().replace(f"/usr/local/bin/{unit.stem}", program))
                result = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60)
                self.assertEqual((result.returncode, result.stderr), (0, ""), unit.name)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_little_is_exposed(self):
        for unit in sorted(SYSTEMD.glob("*.service")):
            command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit]
            result = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_they_run_as_a_user_that_is_made(self):
        users = (SYSTEMD / "darter-sysusers.conf").read_text()
        for unit in SYSTEMD.glob("*.service"):
            text = unit.read_text()
            self.assertIn("\nUser=darter\n", text)
            self.assertIn(f"\nStateDirectory=darter/{unit.stem}\n", text)
        self.assertIn("\nu darter ", users)


class Compose(unittest.TestCase):
    def services(self):
        return yaml.safe_load((COMPOSE / "compose.yml").read_text())["services"]

    def test_no_container_may_more_than_it_needs(self):
        for name, service in self.services().items():
            self.assertIs(service["read_only"], True)
            self.assertEqual(service["cap_drop"], ["ALL"])
            self.assertIn("no-new-privileges:true", service["security_opt"])
            owns = name.endswith("-store")
            self.assertEqual(service.get("cap_add", []), ["CHOWN"] if owns else [])
            self.assertEqual(service["user"].startswith("0:"), owns)
            self.assertEqual(service["network_mode"], "none" if owns else "host")

    def test_what_is_mounted_is_there_or_is_told_to_be_made(self):
        text = (COMPOSE / "compose.yml").read_text()
        for service in self.services().values():
            for volume in service["volumes"]:
                source = volume.split(":")[0]
                if source.startswith("./") and not (COMPOSE / source).exists():
                    self.assertIn(f"> {source[2:]} ", text)

    def test_the_files_have_keys_that_the_executables_have(self):
        for name in ("supernode", "dfdaemon"):
            written = keys(yaml.safe_load((COMPOSE / f"{name}.yml").read_text()))
            self.assertLessEqual(written, keys(yaml.safe_load((ROOT / "config" / f"{name}.yml").read_text())))
            if executable(name):
                command = [executable(name), "--config", COMPOSE / f"{name}.yml", "--print-config"]
                result = subprocess.run(command, capture_output=True, text=True, timeout=60)
                self.assertEqual(result.returncode, 0, result.stderr)

    @unittest.skipUnless(shutil.which("docker-compose"), "there is no docker-compose")
    def test_compose_reads_it(self):
        command = ["docker-compose", "-f", COMPOSE / "compose.yml", "--profile", "supernode", "config", "-q"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
