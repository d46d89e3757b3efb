# SPDX-License-Identifier: Apache-2.0
"""The department's data files through the outbox: wastewatchd with a fake poller, which lets five
minutes pass in no time by speaking of the past, and a fake sender, which answers as the test
wants."""

import time
from collections import namedtuple

import pytest

import wire
from plant import ATTENTION, LIMIT_S, Device, Plant

WINDOW_S = 300
LOGIN_DENIED, TIMED_OUT = 67, 28  # libcurl-errors(3)
STATIONS = """\
stations:
  - name: NUO
    file: LS_MILL_NUO
    destination: data
    directory: NUO/%Y/%m/%d
    parameters: [{channel: outfall/COD, symbol: COD}, {channel: outfall/pH, symbol: pH}]
  - name: KHI
    file: LS_MILL_KHI
    destination: data
    line-end: crlf
    parameters: [{channel: stack/SO2, symbol: SO2}]
"""
DESTINATION = ('  - {name: data, url: "ftpes://127.0.0.1:9/in", user: station, '
               'password: data-password}\n')

File = namedtuple("File", "station stamp url job")


def configure(plant):
    plant.configure(extra=STATIONS)
    path = plant.config / "wastewatch.yaml"
    path.write_text(path.read_text() + DESTINATION)


@pytest.fixture
def plant():
    with Plant(Device()) as it:
        configure(it)
        yield it


def greet(link, role, instance=1):
    """None: not taken, as long as another one is."""
    link.send(wire.hello_packet(role, instance))
    hello = link.receive()
    if not hello:
        link.close()
        return None
    assert hello.role == wire.ROLE_CORE
    return link


def connect(plant, name, role):
    path = plant.run / f"{name}.sock"
    plant.until(lambda: plant.status().get("pid") == plant.processes["core"].pid, "the core is up")
    return plant.until(lambda: greet(wire.connect(str(path), LIMIT_S), role), f"{name} is taken")


def sender(plant):
    return connect(plant, "sender", wire.ROLE_SENDER)


def pass_windows(plant, n):
    """Time passes: n five-minute windows end, the last of them less than five minutes ago."""
    link = connect(plant, "poller", wire.ROLE_POLLER)
    now_us, boot_us = time.time_ns() // 1000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    start_s = (now_us // 10**6 // WINDOW_S - n) * WINDOW_S + 1
    moments = [start_s + 60 * i for i in range(5 * n)] + [now_us // 10**6]
    link.send(wire.readings_packet([
        wire.Reading(i, 0, boot_us - (now_us - moment * 10**6), moment * 10**6, 0, wire.OK, 0, ())
        for i, moment in enumerate(moments, 1)]))
    plant.until(lambda: len(waiting(plant)) >= 2 * n, "the files are in the outbox")
    return link


def waiting(plant):
    return plant.query("SELECT webhook_id FROM outbox WHERE lane = 2 ORDER BY id")


def states(plant):
    return plant.query("SELECT state, count(*) FROM outbox WHERE lane = 2 GROUP BY state")


def take(link):
    """The next upload, as a File."""
    job = link.receive()
    assert job.kind == wire.JOB_UPLOAD, job
    assert (job.user, job.password, job.headers) == (b"station", b"data-password", b"")
    name = job.url.decode().rpartition("/")[2]
    return File(name.split("_")[2], name[-18:-4], job.url.decode(), job)


def answer(link, file, curl_code=0, error=b""):
    link.send(wire.result_packet(wire.Result(file.job.id, -1, -1, curl_code, 0, 1, error, b"",
                                             0 if curl_code else 1)))


def accept_all(link, n):
    files = []
    for _ in range(n):
        files.append(take(link))
        answer(link, files[-1])
    return files


def stamps(files, station):
    return [file.stamp for file in files if file.station == station]


def test_every_window_has_its_file_oldest_first_and_once(plant):
    plant.start("core")
    link = sender(plant)
    poller = pass_windows(plant, 6)
    files = accept_all(link, 12)
    plant.until(lambda: states(plant) == [("sent", 12)], "all are sent")
    for station in ("NUO", "KHI"):
        got = stamps(files, station)
        assert got == sorted(got) and len(set(got)) == 6
    water = next(file for file in files if file.station == "NUO")
    stamp = water.stamp
    assert water.url == (f"ftpes://127.0.0.1:9/in/NUO/{stamp[:4]}/{stamp[4:6]}/{stamp[6:8]}/"
                         f"LS_MILL_NUO_{stamp}.txt")
    # nothing was measured: that is said, and no value
    assert water.job.body.decode() == (f"COD\t---\tmg/l\t{stamp}\t02\npH\t---\t\t{stamp}\t02\n")
    stack = next(file for file in files if file.station == "KHI")
    assert stack.job.body.decode().endswith(f"\t{stack.stamp}\t02\r\n")
    local = time.strftime("%Y%m%d%H%M%S", time.gmtime(
        time.time() // WINDOW_S * WINDOW_S + 7 * 3600))
    assert stamps(files, "KHI")[-1] <= local
    assert not plant.entries("report.delivered", "report.held")
    poller.close()


def test_a_file_is_kept_until_it_is_confirmed(plant):
    """The core is killed while the attempt is under way: the same bytes go once more."""
    plant.start("core")
    link = sender(plant)
    pass_windows(plant, 2).close()
    first = take(link)
    answer(link, first)
    plant.until(lambda: ("sent", 1) in states(plant), "the first is sent")
    second = take(link)
    plant.kill("core")
    link.close()
    plant.start("core")
    link = sender(plant)
    again = take(link)
    assert (again.url, again.job.body) == (second.url, second.job.body)
    answer(link, again)
    rest = accept_all(link, 2)
    assert len({file.url for file in (first, again, *rest)}) == 4
    plant.until(lambda: states(plant) == [("sent", 4)], "all are sent")


def test_the_sender_dies_and_the_file_waits(plant):
    plant.start("core")
    link = sender(plant)
    pass_windows(plant, 1).close()
    first = take(link)
    link.close()
    plant.until(lambda: "the sender is gone" in plant.log(), "the core has noticed")
    link = sender(plant)
    assert take(link).url == first.url


def test_a_server_that_is_away_and_comes_back(plant):
    """What failed holds up its station only; after the first that goes all go at once."""
    plant.start("core")
    link = sender(plant)
    pass_windows(plant, 3).close()
    first = take(link)
    answer(link, first, TIMED_OUT, b"nobody answers")
    other = take(link)
    assert other.station != first.station
    answer(link, other)
    again = take(link)  # 5 s have not passed: the server is back
    assert again.url == first.url
    answer(link, again)
    files = [again, *accept_all(link, 4)]
    for station in ("NUO", "KHI"):
        got = stamps([*files, other], station)
        assert sorted(got) == sorted(set(got)) and len(got) == 3
    assert not plant.entries("report.held", "report.delivered")
    plant.until(lambda: states(plant) == [("sent", 6)], "all are sent")


def test_a_refusal_is_said_once_and_its_end_too(plant):
    plant.start("core")
    link = sender(plant)
    pass_windows(plant, 2).close()
    first = take(link)
    answer(link, first, LOGIN_DENIED, b"the server refuses the login")
    other = take(link)
    held = plant.until_entry("report.held")
    assert held["name"] == "data" and held["reason"] == "the server refuses the login"
    assert held["report"].startswith("file:data/") and held["report"].endswith(
        first.url.rpartition("/")[2])
    done = plant.command("status")
    assert done.returncode == ATTENTION
    assert "4 data files wait to be delivered, since 20" in done.stdout
    assert "the server refused some" in " ".join(done.stdout.split())
    assert "waiting: 0 reports, 4 data files" in done.stdout
    answer(link, other, TIMED_OUT, b"nobody answers")
    plant.until(lambda: plant.query("SELECT 1 FROM outbox WHERE error = 'nobody answers'"),
                "the other's failure is in the record")
    plant.reload()  # tries both at once
    for file, code in ((first, LOGIN_DENIED), (other, 0),
                       # the other's went, so this one is tried again, and stays refused
                       (first, TIMED_OUT)):
        got = take(link)
        assert got.url == file.url
        answer(link, got, code, b"again" if code else b"")
    answer(link, take(link))  # the other's second, so once more
    got = take(link)
    assert got.url == first.url and len(plant.entries("report.held")) == 1
    answer(link, got)
    told = plant.until_entry("report.delivered")
    assert told["report"] == held["report"]
    answer(link, take(link))
    plant.until(lambda: states(plant) == [("sent", 4)], "all are sent")
    assert len(plant.entries("report.held", "report.delivered")) == 2


def link_has(link):
    return link.is_waiting()


def test_reports_do_not_wait_for_files(plant):
    """A file is under way, and stays so; the incident is told all the same, to its receiver."""
    plant.start("core")
    link = sender(plant)
    pass_windows(plant, 3).close()
    file = take(link)
    plant.start("poller")
    plant.device.set(COD=200)
    report = link.receive()
    assert report.kind == wire.JOB_POST and report.url.decode() == plant.receiver.url
    assert b'"incident.opened"' in report.body
    link.send(wire.result_packet(wire.Result(report.id, -1, -1, 0, 204, 1, b"", b"")))
    plant.until_entry("report.delivered", name="department")
    answer(link, file)
    # no report ever takes the files' way, nor a file the reports'
    rows = plant.query("SELECT destination, lane FROM outbox GROUP BY destination, lane")
    assert sorted(rows) == [("data", 2), ("department", 1)]


def test_a_destination_that_has_become_another_kind_gets_nothing_of_the_old(plant):
    plant.start("core")
    link = sender(plant)
    pass_windows(plant, 1).close()
    take(link)
    plant.stop("core")
    link.close()
    path = plant.config / "wastewatch.yaml"
    path.write_text(path.read_text().replace(
        DESTINATION, '  - {name: data, url: "http://127.0.0.1:9/", min-class: limit}\n'))
    site = plant.config / "sites.d" / "mill.yaml"
    site.write_text(site.read_text().replace(STATIONS, ""))
    plant.start("core")
    stranded = plant.until_entry("reports.stranded")
    assert (stranded["name"], stranded["reports"], stranded["reason"]) == ("data", 2, "data files")
    link = sender(plant)
    assert not link_has(link)
