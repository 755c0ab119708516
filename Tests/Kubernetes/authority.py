"""Certificates for the cluster and for what runs in it."""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def pem_of_key(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def pem_of_public_key(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """An authority, and certificates of it in PEM. Times are those of all its certificates."""

    def __init__(self, name, begin=None, end=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.begin = begin or now - datetime.timedelta(hours=1)
        self.end = end or now + datetime.timedelta(days=1)
        self.key = new_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = self._builder(self.name, self.key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _builder(self, subject, public_key):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(self.begin).not_valid_after(self.end)

    def server(self, hosts):
        """Certificate and key of a server with these names and addresses."""
        names = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        return self._leaf(hosts[0], None, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, user, group):
        """Certificate and key of a user, as Kubernetes reads them."""
        return self._leaf(user, group, ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def _leaf(self, name, group, usage, names):
        key = new_key()
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if group:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        builder = self._builder(x509.Name(attributes), key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem_of_key(key)
