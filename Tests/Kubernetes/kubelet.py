"""As much of a kubelet as a pod of one container needs: its volumes, root file system, user, network and probes."""
import base64
import contextlib
import http.client
import pathlib
import re
import signal
import subprocess

from processes import API, Program, network, wait

# Everything is below a file system in memory that is read-only in the end; only what is mounted is from elsewhere.
SCRIPT = r"""
set -eu
root=$1 program=$2 user=$3 group=$4; shift 4
mount -t tmpfs -o mode=755 root "$root"
for directory in usr proc dev app etc; do mkdir "$root/$directory"; done
for link in bin lib lib64; do [ ! -L "/$link" ] || ln -s "usr/$link" "$root/$link"; done
for directory in usr proc dev; do mount --rbind "/$directory" "$root/$directory"; done
touch "$root/app/${program##*/}"
mount --bind "$program" "$root/app/${program##*/}"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root${2%/*}"; touch "$root$2"; fi
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
    shift 2
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all --pdeathsig KILL "$@"
"""


class RunningPod:
    """A pod of the API that runs here. `addresses`: what the cluster's DNS would say."""

    def __init__(self, cluster, pod, executable, address, addresses):
        self.cluster, self.pod, self.address = cluster, pod, address
        self.name = pod["metadata"]["name"]
        self.namespace = pod["metadata"]["namespace"]
        self.container = pod["spec"]["containers"][0]
        self.directory = cluster.directory / "pods" / self.name
        self.directory.mkdir(parents=True)
        self.stack = contextlib.ExitStack()
        try:
            self.stack.enter_context(network(self.name, address))
            self._run(executable, addresses)
        except BaseException:
            self.stack.close()
            raise

    def _run(self, executable, addresses):
        etc = {"hosts": "".join(f"{where} {name}\n" for name, where in addresses.items()), "nsswitch.conf": "hosts: files\n"}
        mounts = [(self._write("etc", name, text), f"/etc/{name}") for name, text in etc.items()] + self._mounts()
        mounts += [(directory, directory) for directory in runtime(executable)]
        spec = self.pod["spec"]["securityContext"]
        environment = {"PATH": "/app:/usr/bin", "KUBERNETES_SERVICE_HOST": API, "KUBERNETES_SERVICE_PORT": "443"}
        environment |= {item["name"]: item["value"] for item in self.container.get("env", [])}
        root = self.directory / "root"
        root.mkdir()
        command = [*self.container["command"], *self.container["args"]]
        self.program = Program(
            self.name,
            ["sh", "-c", SCRIPT, "sh", root, executable, spec["runAsUser"], spec["runAsGroup"],
             *(part for mount in mounts for part in mount), "--",
             "env", "-i", *(f"{key}={value}" for key, value in environment.items()), *command],
            self.cluster.directory,
            before=["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount"],
        )

    # MARK: Volumes

    def _write(self, volume, name, text):
        path = self.directory / volume / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
        return path

    def _mounts(self):
        volumes = {volume["name"]: volume for volume in self.pod["spec"]["volumes"]}
        mounts = []
        for mount in self.container["volumeMounts"]:
            directory = self.directory / "volumes" / mount["name"]
            for name, text in self._files(volumes[mount["name"]]):
                self._write(f"volumes/{mount['name']}", name, text)
            mounts.append((directory / mount["subPath"] if "subPath" in mount else directory, mount["mountPath"]))
        return mounts

    def _files(self, volume):
        for source in volume.get("projected", {}).get("sources", [volume]):
            if "configMap" in source:
                name = source["configMap"]["name"]
                data = self.cluster.admin.get("v1", "ConfigMap", name, self.namespace)["data"]
                yield from self._selected(source["configMap"], data)
            elif "secret" in source:
                name = source["secret"].get("name") or source["secret"]["secretName"]
                data = self.cluster.admin.get("v1", "Secret", name, self.namespace)["data"]
                yield from self._selected(source["secret"], {key: base64.b64decode(text).decode() for key, text in data.items()})
            elif "serviceAccountToken" in source:
                token = self.cluster.token(self.pod["spec"]["serviceAccountName"], self.namespace, self.pod)
                yield source["serviceAccountToken"]["path"], token
            elif "downwardAPI" in source:
                for item in source["downwardAPI"]["items"]:
                    yield item["path"], self.pod["metadata"][item["fieldRef"]["fieldPath"].removeprefix("metadata.")]
            else:
                raise AssertionError(f"a volume of a kind that is not known here: {volume}")

    @staticmethod
    def _selected(source, data):
        if "items" not in source:
            return list(data.items())
        return [(item["path"], data[item["key"]]) for item in source["items"]]

    # MARK: Probes

    def port(self, name):
        return next(port["containerPort"] for port in self.container["ports"] if port["name"] == name)

    def get(self, path, port="health"):
        """Status and text; None where nobody answers."""
        connection = http.client.HTTPConnection(self.address, self.port(port), timeout=3)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return None
        finally:
            connection.close()

    def is_ready(self):
        probe = self.container["readinessProbe"]["httpGet"]
        answer = self.get(probe["path"], probe["port"])
        return answer is not None and answer[0] == 200

    def wait_until_ready(self):
        wait(f"{self.name} is ready", self.is_ready, 60, self.program)

    def metric(self, name):
        """The value of a metric with no labels; None where it is not there."""
        answer = self.get("/metrics")
        found = re.search(rf"^{name} ([^ \n]+)", answer[1], re.MULTILINE) if answer else None
        return float(found[1]) if found else None

    def reviews(self):
        """How many reviews it has answered."""
        return sum(map(int, re.findall(r"^darter_webhook_reviews_total\{[^}]*\} (\d+)", self.get("/metrics")[1], re.MULTILINE)))

    def stop(self, how=signal.SIGTERM):
        """Its exit code."""
        try:
            return self.program.stop(how, self.pod["spec"]["terminationGracePeriodSeconds"])
        finally:
            self.stack.close()


def runtime(executable):
    """The directories of an executable's libraries that are not of the system."""
    listed = subprocess.run(["ldd", executable], capture_output=True, text=True, check=True).stdout
    paths = {pathlib.Path(path).parent for path in re.findall(r"=> (/\S+)", listed)}
    return sorted(path for path in paths if not str(path).startswith(("/usr", "/lib")))
