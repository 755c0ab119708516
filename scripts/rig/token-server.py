#!/usr/bin/python3
"""token-server.py --dir DIR [--port N] [--ttl SECONDS] [--anonymous-pull] [--user u:p]

A server of the Docker token protocol (https://distribution.github.io/distribution/spec/auth/token/) on 127.0.0.1.
GET /token?service&scope with Basic credentials, or the OAuth2 form of POST, answers a JWT signed RS256: pull and push
for the user, pull only for an anonymous caller with --anonymous-pull. Key and certificate are made in DIR (token.key,
token.crt). Prints "token server ready URL" when it accepts connections, and a line for each request: METHOD SCOPES
STATUS USER. Needs Debian's python3-jwt and python3-cryptography."""
import argparse
import base64
import datetime
import http.server
import json
import os
import re
import time
import urllib.parse
import uuid

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ISSUER = "test-issuer"
SERVICE = "test-registry"


def make_certificate(directory):
    """The signing key and its certificate, made once in the directory."""
    key_path, certificate_path = os.path.join(directory, "token.key"), os.path.join(directory, "token.crt")
    if not os.path.exists(certificate_path):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.datetime.utcnow()
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
        with open(key_path, "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        with open(certificate_path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
    with open(key_path, "rb") as file:
        key = file.read()
    with open(certificate_path, "rb") as file:
        der = x509.load_pem_x509_certificate(file.read()).public_bytes(serialization.Encoding.DER)
    return key, base64.b64encode(der).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.grant(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query), None)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = urllib.parse.parse_qs(self.rfile.read(length).decode())
        user = form.get("username", [""])[0]
        self.grant(form, f"{user}:{form.get('password', [''])[0]}" if user else None)

    def grant(self, query, credentials):
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("Basic "):
            credentials = base64.b64decode(authorization[6:]).decode()
        if credentials not in (None, options.user):
            self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or password"}]}, query, credentials)
            return
        access = []
        for scope in " ".join(query.get("scope", [])).split():
            match = re.fullmatch(r"(\w+(?:\(\w+\))?):(.+):([^:]+)", scope)
            if not match:
                continue
            actions = match[3].split(",")
            if credentials is None:
                actions = [action for action in actions if action == "pull" and options.anonymous_pull]
            if actions:
                access.append({"type": match[1], "name": match[2], "actions": actions})
        now = int(time.time())
        user = (credentials or "").split(":")[0]
        token = jwt.encode(
            {"iss": ISSUER, "sub": user, "aud": query.get("service", [SERVICE])[0], "exp": now + options.ttl,
             "nbf": now - 5, "iat": now, "jti": str(uuid.uuid4()), "access": access},
            signing_key, algorithm="RS256", headers={"x5c": [certificate]})
        issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        self.answer(200, {"token": token, "access_token": token, "expires_in": options.ttl, "issued_at": issued}, query,
                    credentials)

    def answer(self, status, body, query, credentials):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        user = (credentials or "-").split(":")[0]
        print(self.command, ",".join(query.get("scope", ["-"])), status, user, flush=True)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dir", required=True)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--ttl", type=int, default=300)
parser.add_argument("--anonymous-pull", action="store_true")
parser.add_argument("--user", default="u:p")
options = parser.parse_args()
signing_key, certificate = make_certificate(options.dir)
server = Server(("127.0.0.1", options.port), Handler)
print(f"token server ready http://127.0.0.1:{server.server_address[1]}/token", flush=True)
server.serve_forever()
