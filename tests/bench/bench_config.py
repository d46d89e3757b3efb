# SPDX-License-Identifier: Apache-2.0
"""The same 1,000 devices as a configuration of wastewatch and of collectd."""

import base64

UNITS_PER_LINK = 2
LINKS_PER_SITE = 10
CHANNELS = 5  # float32 each: one request of 10 registers per unit
INTERVAL_S = 1
SECRET = b"benchmark-secret-of-32-bytes-ok!"


def host(link):
    return f"127.0.{1 + link // 250}.{1 + link % 250}"


def site_name(site):
    return f"bench-{site:03}"


def write_site(directory, site, links, port):
    """Links, units, one outfall; every channel has a limit of 100 without a delay."""
    lines = [f"site: {site_name(site)}", "links:"]
    lines += [f'  - {{name: l{i}, tcp: "{host(i)}:{port}", backoff: [100ms, 1s]}}' for i in links]
    lines.append("units:")
    for i in links:
        lines += [f"  - {{name: u{i}-{k}, link: l{i}, id: {1 + k}, interval: {INTERVAL_S}s, "
                  "timeout: 500ms}" for k in range(UNITS_PER_LINK)]
    lines += ["sources:", "  - name: outfall", "    kind: liquid", "    channels:"]
    names = [(f"u{i}-{k}", c) for i in links for k in range(UNITS_PER_LINK)
             for c in range(CHANNELS)]
    lines += [f"      - {{name: {u}-c{c}, unit: mg/l, from: {u}, address: {2 * c}, "
              "type: float32, order: ABCD, range: [0, 1000]}" for u, c in names]
    lines.append("    limits:")
    lines += [f"      - {{channel: {u}-c{c}, class: limit, high: 100, origin: benchmark, "
              "clear-delay: 0s}" for u, c in names]
    path = directory / "sites.d" / f"{site_name(site)}.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def write_year(directory, limits=True):
    """One channel with a limit on its value and one on its mean, for bench-year."""
    (directory / "sites.d").mkdir(parents=True)
    (directory / "wastewatch.yaml").write_text("origin: bench\n", encoding="ascii")
    (directory / "sites.d" / "year.yaml").write_text(
        "site: year\n"
        'links: [{name: l, tcp: "127.0.0.1:502"}]\n'
        "units: [{name: u, link: l, id: 1}]\n"
        "sources:\n"
        "  - name: outfall\n"
        "    kind: liquid\n"
        "    channels:\n"
        "      - {name: c, from: u, address: 0, type: float32, order: ABCD, range: [0, 1000]}\n"
        + ("    limits:\n"
           "      - {channel: c, class: limit, high: 100, origin: benchmark}\n"
           "      - {channel: c, class: warning, on: mean-1min, high: 90}\n" if limits else ""),
        encoding="ascii")


def write_wastewatch(directory, n_links, port, receiver_port):
    """Return the number of sites; the credentials go to directory/credentials."""
    (directory / "sites.d").mkdir(parents=True)
    (directory / "credentials").mkdir()
    for name, prefix in (("bench-hmac", "whsec_"), ("sign-key", "whsk_")):
        key = directory / "credentials" / name
        key.write_text(prefix + base64.b64encode(SECRET).decode(), encoding="ascii")
        key.chmod(0o600)
    (directory / "wastewatch.yaml").write_text(
        "origin: bench\n"
        "destinations:\n"
        f'  - {{name: receiver, url: "http://127.0.0.1:{receiver_port}/", '
        "hmac-secret: bench-hmac}\n", encoding="ascii")
    firsts = range(0, n_links, LINKS_PER_SITE)
    for site, first in enumerate(firsts):
        write_site(directory, site, range(first, min(first + LINKS_PER_SITE, n_links)), port)
    return len(firsts)


def write_collectd(directory, n_links, port):
    """collectd's modbus plugin reads one value, here two registers, per request."""
    values = [f"c{i}" for i in range(CHANNELS)]
    lines = [f'BaseDir "{directory}"', f'PIDFile "{directory}/collectd.pid"',
             'TypesDB "/usr/share/collectd/types.db"', f"Interval {INTERVAL_S}",
             "LoadPlugin logfile", "<Plugin logfile>", '  LogLevel "warning"',
             f'  File "{directory}/collectd.log"', "</Plugin>", "LoadPlugin modbus",
             "<Plugin modbus>"]
    for i, v in enumerate(values):
        lines += [f'  <Data "{v}">', f"    RegisterBase {2 * i}", "    RegisterType Float",
                  "    RegisterCmd ReadHolding", "    Type gauge", f'    Instance "{v}"',
                  "  </Data>"]
    for link in range(n_links):
        lines += [f'  <Host "h{link}">', f'    Address "{host(link)}"', f'    Port "{port}"',
                  f"    Interval {INTERVAL_S}"]
        for k in range(UNITS_PER_LINK):
            lines += [f"    <Slave {1 + k}>", f'      Instance "u{k}"']
            lines += [f'      Collect "{v}"' for v in values]
            lines.append("    </Slave>")
        lines.append("  </Host>")
    lines.append("</Plugin>")
    path = directory / "collectd.conf"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def write_minutes(directory, n_channels):
    """n_channels channels, ten of a unit at 1 Hz; return the path of one in the middle."""
    (directory / "sites.d").mkdir(parents=True)
    (directory / "wastewatch.yaml").write_text("origin: bench\n", encoding="ascii")
    n_units = -(-n_channels // 10)
    lines = ["site: minutes", "links:"]
    lines += [f'  - {{name: l{i}, tcp: "127.0.0.1:{1 + i}"}}' for i in range(n_units)]
    lines += ["units:"]
    lines += [f"  - {{name: u{i}, link: l{i}, id: 1, interval: 1s}}" for i in range(n_units)]
    lines += ["sources:", "  - name: outfall", "    kind: liquid", "    channels:"]
    lines += [f"      - {{name: c{i}, unit: mg/l, from: u{i // 10}, address: {i % 10 * 2}, "
              "type: float32, order: ABCD, range: [0, 1000]}" for i in range(n_channels)]
    (directory / "sites.d" / "minutes.yaml").write_text("\n".join(lines) + "\n", encoding="ascii")
    return f"minutes/outfall/c{n_channels // 2}"
