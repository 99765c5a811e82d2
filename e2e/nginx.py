"""nginx, with the site of deploy/nginx.conf: only what is marked there is replaced."""

import os
import shutil
import socket
import time

from ground import paths, process, programs

SITE = paths.ROOT / "deploy" / "nginx.conf"
#: Only it may say for whom it calls, as a proxy before nginx would.
OUTER_PROXY, SAYS_FOR_WHOM = "127.0.0.9", "X-Test-Client"
#: What the administrator's own nginx.conf has around the sites.
MAIN = """
{user}
daemon off;
worker_processes 2;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    set_real_ip_from {outer_proxy};
    real_ip_header {says_for_whom};
    {paths}
    include {folder}/site.conf;
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """nginx before servers of this machine; up while the `with` block runs.

    :param ports: the ports of Odoo; all but the first one for servers beside it
    :param websocket_port: the one of Odoo's web sockets
    :param authority: who certifies it
    :param is_usual: whether its port is taken for the one of https
    """

    def __init__(self, folder, authority, *ports, websocket_port, is_usual=False):
        self.folder = folder
        self.authority = authority
        self.port, self.plain_port = process.free_ports(2)
        self.url = f"https://127.0.0.1:{self.port}"
        self._ports = ports
        self._websocket_port = websocket_port
        self._usual_port = self.port if is_usual else 443

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "site.conf").write_text(self._get_site())
        (self.folder / "nginx.conf").write_text(self._get_main())
        program, log = programs.find("nginx"), self.folder / "own.log"
        command = [program, "-e", log, "-c", self.folder / "nginx.conf"]
        self.process = process.spawn(command, log, {**os.environ})
        self._wait()
        return self

    def __exit__(self, *_exception):
        process.stop(self.process)

    def lose_files(self):
        """From now on no file can be written, as on a disk that is full."""
        for name in TEMPORARY:
            shutil.rmtree(self.folder / name)
            (self.folder / name).touch()

    def wait_for(self, shown, count=1, seconds=20):
        """Wait until the logs show a text so often: nginx writes after it answered."""
        deadline = time.monotonic() + seconds
        while self.logs().count(shown) < count:
            assert time.monotonic() < deadline, f"no {shown} in {self.logs()}"
            time.sleep(0.02)

    def logs(self):
        """All that it wrote until now."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def _get_site(self):
        servers = [f"server 127.0.0.1:{port};" for port in self._ports]
        certificate = self.authority.issue_file()
        marked = {
            "server 127.0.0.1:8069;": "\n".join(servers),
            "server 127.0.0.1:8072;": f"server 127.0.0.1:{self._websocket_port};",
            "server_name licenses.example.com;": "server_name 127.0.0.1;",
            "/etc/ssl/certs/licenses.pem": str(certificate),
            "/etc/ssl/private/licenses.key": str(certificate),
            '443 "";': f'{self._usual_port} "";',
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            "/var/log/nginx": str(self.folder),
        }
        site = SITE.read_text()
        for theirs, ours in marked.items():
            assert theirs in site, theirs
            site = site.replace(theirs, ours)
        return site

    def _get_main(self):
        folders = [f"{it}_temp_path {self.folder}/{it};" for it in TEMPORARY]
        return MAIN.format(
            user="" if os.getuid() else "user root root;",
            folder=self.folder,
            paths="\n".join(folders),
            outer_proxy=OUTER_PROXY,
            says_for_whom=SAYS_FOR_WHOM,
        )

    def _wait(self, seconds=20):
        """Wait until it takes connections."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.02)
        process.stop(self.process)
        raise AssertionError(f"nginx does not run: {self.logs()}")
