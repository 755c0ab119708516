#!/usr/bin/env python3
"""make-image.py DIR [--tag TAG] [--layers 20,50,100] [--seed N] [--docker] [--busybox FILE]

Makes an OCI image layout with layers (tar+gzip) of random content of about the given MiB each and a valid
configuration, without any network, and prints the manifest's digest. The same seed makes the same image.
--docker writes Docker's media types (name it oci:DIR without a tag to skopeo, which then pushes it as it is).
--busybox adds a first layer with a static busybox (Debian busybox-static: /bin/busybox), so that the image runs."""
import argparse
import gzip
import hashlib
import io
import json
import os
import random
import tarfile

OCI = {
    "config": "application/vnd.oci.image.config.v1+json",
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
}
DOCKER = {
    "config": "application/vnd.docker.container.image.v1+json",
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
MIB = 1 << 20
BUSYBOX_COMMANDS = ("sh", "sleep", "true", "ls", "cat", "echo", "wget", "sha256sum")


class Image:
    def __init__(self, directory, types):
        self.types = types
        self.blobs = os.path.join(directory, "blobs", "sha256")
        self.layers, self.diff_ids = [], []
        os.makedirs(self.blobs, exist_ok=True)

    def put(self, data, kind):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.blobs, digest), "wb") as file:
            file.write(data)
        return {"mediaType": self.types[kind], "digest": "sha256:" + digest, "size": len(data)}

    def add_layer(self, entries):
        """entries: (TarInfo, bytes or None) in order."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for info, data in entries:
                tar.addfile(info, io.BytesIO(data) if data is not None else None)
        raw = buffer.getvalue()
        self.diff_ids.append("sha256:" + hashlib.sha256(raw).hexdigest())
        self.layers.append(self.put(gzip.compress(raw, 1, mtime=0), "layer"))


def directory_entry(name):
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info, None


def file_entry(name, data, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    return info, data


def link_entry(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info, None


def busybox_entries(path):
    for name in ("bin", "tmp", "etc", "proc", "sys", "dev"):
        yield directory_entry(name)
    with open(path, "rb") as file:
        yield file_entry("bin/busybox", file.read(), 0o755)
    for name in BUSYBOX_COMMANDS:
        yield link_entry("bin/" + name, "busybox")


def random_entries(layer, size, generator):
    yield directory_entry("data")
    for part, start in enumerate(range(0, size, 8 * MIB)):
        yield file_entry(f"data/layer{layer}-{part}.bin", generator.randbytes(min(8 * MIB, size - start)))


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--tag", default="v1")
    parser.add_argument("--layers", default="20,50,100")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--docker", action="store_true")
    parser.add_argument("--arch", default="amd64")
    parser.add_argument("--busybox")
    options = parser.parse_args()

    generator = random.Random(options.seed)
    types = DOCKER if options.docker else OCI
    image = Image(options.directory, types)
    if options.busybox:
        image.add_layer(busybox_entries(options.busybox))
    for index, size in enumerate(filter(None, options.layers.split(","))):
        image.add_layer(random_entries(index, int(float(size) * MIB), generator))

    created = "2024-01-01T00:00:00Z"
    config = image.put(compact({
        "architecture": options.arch, "os": "linux", "created": created,
        "config": {"Cmd": ["/bin/sleep", "100000"] if options.busybox else ["/bin/true"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": image.diff_ids},
        "history": [{"created": created, "created_by": f"make-image layer {i}"} for i in range(len(image.diff_ids))],
    }), "config")
    manifest = image.put(compact({
        "schemaVersion": 2, "mediaType": types["manifest"], "config": config, "layers": image.layers,
    }), "manifest")
    entry = dict(manifest, annotations={"org.opencontainers.image.ref.name": options.tag},
                 platform={"architecture": options.arch, "os": "linux"})
    with open(os.path.join(options.directory, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, file)
    with open(os.path.join(options.directory, "oci-layout"), "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)
    print(manifest["digest"])


main()
