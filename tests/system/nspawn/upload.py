# SPDX-License-Identifier: Apache-2.0
"""Runs inside the machine of test_upload_unit.py: servers, credentials, and the core's end of
the sender's socket. Says "KIND: RESULT" for every kind of upload, then asks for a stop."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import servers  # noqa: E402
import wire  # noqa: E402

CREDENTIALS = Path("/etc/wastewatch/credentials")
DROP_IN = Path("/etc/systemd/system/wastewatch-sender.service.d/test.conf")


def systemctl(*arguments):
    subprocess.run(["systemctl", *arguments], check=True)


def upload(core, ident, url, **texts):
    job = {**dict.fromkeys(("headers", "ca", "cert", "key", "host_key"), b""),
           "user": servers.Server.user.encode(), "password": b"pw", **texts}
    core.send(wire.job_packet(wire.Job(id=ident, connect_timeout_ms=15000, total_timeout_ms=15000,
                                       url=url.encode(), body=b"bytes", kind=wire.JOB_UPLOAD,
                                       **job)))
    return core.receive()


def main():
    with servers.FtpServer() as ftp, servers.FtpServer(tls=True) as ftpes, \
            servers.SftpServer() as sftp:
        for name, data in (("pw", servers.Server.password.encode()), ("ca", ftpes.ca.read_bytes()),
                           ("hk", sftp.known_hosts.encode()), ("key", sftp.key.read_bytes())):
            (CREDENTIALS / name).write_bytes(data)
        DROP_IN.parent.mkdir()
        DROP_IN.write_text("[Unit]\nStopWhenUnneeded=no\n[Service]\n" + "".join(
            f"LoadCredential={name}:{CREDENTIALS / name}\n" for name in ("pw", "ca", "hk", "key")),
            encoding="ascii")
        Path("/run/wastewatch").mkdir(exist_ok=True)
        systemctl("daemon-reload")
        with wire.Listener("/run/wastewatch/sender.sock", timeout=20) as listener:
            os.chmod("/run/wastewatch/sender.sock", 0o666)
            systemctl("start", "wastewatch-sender")
            core = listener.accept()
            assert core.receive().role == wire.ROLE_SENDER
            core.send(wire.hello_packet(wire.ROLE_CORE))
            for ident, (kind, server, url, texts) in enumerate((
                    ("ftp", ftp, ftp.url, {}), ("ftpes", ftpes, ftpes.url, {"ca": b"ca"}),
                    ("ftpes by name", ftpes, ftpes.url.replace("127.0.0.1", "localhost"),
                     {"ca": b"ca"}),
                    ("sftp", sftp, sftp.url, {"host_key": b"hk"}),
                    ("sftp with key", sftp, sftp.url,
                     {"host_key": b"hk", "key": b"key", "password": b""})), 1):
                result = upload(core, ident, url + f"d/{ident}.txt", **texts)
                good = result.uploaded and server.files().get(f"d/{ident}.txt") == b"bytes"
                print(f"{kind}: {'there' if good else result}", flush=True)
            systemctl("stop", "wastewatch-sender")


main()
