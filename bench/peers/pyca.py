"""PyCA cryptography as a peer: PKCS7SignatureBuilder, as often as standard input asks.

pyca.py TASK FOLDER, TASK one of sign, verify. Says "ready", or "cannot: " and why. Then each line of input is a number of
operations, answered by their nanoseconds, after half as many that are not measured.
"""
import pathlib
import sys
import time

import cryptography
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7


def signing(folder):
    content = (folder / "content.bin").read_bytes()
    certificate = x509.load_der_x509_certificate((folder / "signer.der").read_bytes())
    key = serialization.load_der_private_key((folder / "signer-key.der").read_bytes(), None)
    options = [
        pkcs7.PKCS7Options.Binary,
        pkcs7.PKCS7Options.DetachedSignature,
        pkcs7.PKCS7Options.NoCapabilities,
        pkcs7.PKCS7Options.NoCerts,
    ]

    def sign():
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(certificate, key, hashes.SHA256())
        return builder.sign(serialization.Encoding.DER, options)

    return sign


def prepare(task, folder):
    if task != "sign":
        raise ValueError(f"cryptography {cryptography.__version__} verifies no CMS")
    return signing(folder)


def main():
    try:
        operation = prepare(sys.argv[1], pathlib.Path(sys.argv[2]))
        operation()
    except Exception as error:  # whatever it is, it says why
        print(f"cannot: {error}", flush=True)
        return
    print(f"ready cryptography {cryptography.__version__}, Python {sys.version.split()[0]}", flush=True)
    for line in sys.stdin:
        count = int(line)
        for _ in range((count + 1) // 2):
            operation()
        start = time.perf_counter_ns()
        for _ in range(count):
            operation()
        print(time.perf_counter_ns() - start, flush=True)


main()
