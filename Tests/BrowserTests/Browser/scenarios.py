"""What people do with the page: scenarios.py NAME PRODUCTS DIRECTORY

Each function here is one test; pictures go to the directory.
"""

import os
import signal
import socket
import sys

from browser import Browser
from processes import BreakingProxy, GatewayProcess
from selenium.webdriver.common.keys import Keys

NAME, PRODUCTS, ARTIFACTS = sys.argv[1:]
CONNECTIONS = "/v1/connections"


def gateway(*arguments):
    return GatewayProcess(PRODUCTS, *arguments)


def browser():
    return Browser(ARTIFACTS, NAME)


def connect(here, there, **members):
    """The ids that both ends have given a connection."""
    target = {"address": there.udp, "peer": there.peer, **members}
    _, content = here.expect(201, "POST", CONNECTIONS, target)
    return content["id"], there.expect(200, "GET", "/v1/accept?wait=60s")[1]["id"]


def send(node, connection, data):
    target = f"{CONNECTIONS}/{connection}/data?until=acknowledged"
    node.expect(200, "POST", target, data)


def received(node, connection, size):
    """Reads and acknowledges so many bytes."""
    data, query = b"", ""
    while len(data) < size:
        target = f"{CONNECTIONS}/{connection}/data?wait=60s&max_bytes=4194304{query}"
        headers, content = node.expect(200, "GET", target)
        data += content
        query = "&offset={0}&ack={0}".format(headers["Next-Offset"])
    return data


def open_page(page, node):
    """The page of a gateway, once it follows what happens there."""
    page.open(node.base)
    page.expect("#events-status", "Nothing yet")


def random_file(directory, size):
    path = directory.path("a file to send")
    path.write_bytes(os.urandom(size))
    return path


def two_gateways():
    """Connect by clicking, send a text and a file, see both arrive, and how it is told."""
    with gateway() as a, gateway() as b, browser() as page:
        open_page(page, b)
        there = page.driver.current_window_handle
        page.expect("#peer-id code", b.peer)
        peer = page.text("#peer-id code")
        address = page.text("#addresses code")
        page.click("Copy")
        page.wait(lambda: page.text("#peer-id button") != "Copy", "it says that it has copied")

        page.driver.switch_to.new_window("window")
        here = page.driver.current_window_handle
        open_page(page, a)
        page.fill("Address of its UDP socket", address)
        page.fill("Peer id", peer)
        page.click("More")
        page.fill("Name", "to the other one")
        page.click("Connect")
        page.expect("#connection-title", "to the other one")

        page.look_at(there)
        page.expect("#connection-list", f"From {a.udp}", a.peer)
        page.expect("#event-list", f"A peer has connected from {a.udp}")
        page.click_first("#connection-list a")
        page.click_first("#acknowledge-all")

        page.look_at(here)
        page.fill("Text", "Good morning")
        page.click("Send text")
        page.expect("#text-status", "has taken 12 bytes")
        page.look_at(there)
        page.expect("#arrived", "Good morning")

        page.look_at(here)
        size = 3 << 20
        path = random_file(a, size)
        page.labelled("File").send_keys(str(path))
        page.click("Send file")
        page.expect("#file-status", "The peer has acknowledged all of it: a file to send, 3 MiB")
        assert page.find("#progress").get_property("value") == size
        page.expect("#connection-charts", "Round-trip time", "ms", "Retransmitted packets")
        label = page.find("#connection-charts svg").get_attribute("aria-label")
        assert label.startswith("Round-trip time, smoothed: now "), label
        page.picture("connection")

        page.look_at(there)
        page.click_first("#show-hex")
        page.expect("#arrived-status", "3 MiB have arrived here.", "save to see all")
        page.click("Save to a file")
        saved = page.wait(
            lambda: next(page.downloads.glob("*.bin"), None), "the file that was saved"
        )
        page.wait(lambda: saved.stat().st_size >= size + 12, "all of the file that was saved")
        assert saved.read_bytes() == b"Good morning" + path.read_bytes()
        (document,) = b.expect(200, "GET", CONNECTIONS)[1]["connections"]
        page.wait(
            lambda: b.expect(200, "GET", f"{CONNECTIONS}/{document['id']}")[1]["receive"][
                "acknowledged_offset"
            ]
            == size + 12,
            "everything is acknowledged",
        )

        page.look_at(here)
        page.click("Close")
        page.expect("#connection-status", "Closed: closed here")
        page.click("← All connections")
        page.expect("#event-list", f"Connected to {b.udp}", "Closed: closed here")
        page.expect("#connection-list", "to the other one closed")
        page.picture("overview")
        page.look_at(there)
        page.expect("#arrived-status", "nothing more will come")
        page.expect_quiet_console()


def by_keyboard():
    """Everything that matters, without a mouse."""
    with gateway() as a, gateway() as b, browser() as page:
        page.open(a.base)
        page.expect("#peer-id code", a.peer)
        page.tab_to("address")
        page.press(b.udp, Keys.TAB, b.peer, Keys.ENTER)
        page.expect("#connection-title", f"Peer {b.peer[:8]}")
        assert page.script("return document.activeElement.id") == "connection-title"
        page.tab_to("text")
        page.press("By keyboard", Keys.TAB, Keys.TAB, Keys.ENTER)
        page.expect("#text-status", "has taken 11 bytes")
        there = b.expect(200, "GET", "/v1/accept?wait=60s")[1]["id"]
        assert received(b, there, 11) == b"By keyboard"
        send(b, there, b"Answer")
        page.expect("#arrived", "Answer")
        page.tab_to("show-text")
        page.press(Keys.ARROW_RIGHT)
        page.expect("#arrived", "41 6e 73 77 65 72")
        page.tab_to("acknowledge")
        page.press(Keys.SPACE)
        page.expect("#acknowledge-status", "Acknowledged 6 bytes")
        # The outline is what shows where one is.
        outline = "return getComputedStyle(document.activeElement).outlineStyle"
        assert page.script(outline) == "solid"
        page.expect_quiet_console()


def what_peers_send():
    """A stranger's bytes are looked at; they do nothing, and looking changes nothing."""
    hostile = b"<img src=x onerror=alert(1)>\x1b[2J\xe2\x80\xaegnp\xff"
    hostile += b"</pre><script>alert(2)</script>"
    with gateway() as a, gateway() as b, browser() as page:
        here, there = connect(a, b, name="<b onclick=alert(3)>bold</b>")
        send(b, there, hostile)
        page.open(a.base)
        page.expect("#connection-list", "<b onclick=alert(3)>bold</b>")
        page.click_first("#connection-list a")
        page.expect("#arrived", "<img src=x onerror=alert(1)>⟨U+001B⟩[2J⟨U+202E⟩gnp�")
        page.expect("#arrived", "</pre><script>alert(2)</script>")
        assert page.all("#connection img, #connection b, #connection script") == []
        page.click_first("#show-hex")
        page.expect("#arrived", "00000000 3c 69 6d 67", "1b 5b 32 4a", "e2 80 ae 67")

        receive = a.expect(200, "GET", f"{CONNECTIONS}/{here}")[1]["receive"]
        assert receive["acknowledged_offset"] == 0 and receive["readers"] == [], receive
        page.click("Acknowledge")
        page.expect("#acknowledge-status", f"Acknowledged {len(hostile)} bytes")
        receive = a.expect(200, "GET", f"{CONNECTIONS}/{here}")[1]["receive"]
        assert receive["acknowledged_offset"] == len(hostile), receive

        # Bytes that somebody else acknowledged before they were seen here.
        page.open(a.base + "/#/")
        page.expect("#connections-note", "1 connection")
        send(b, there, b"seen by another")
        assert received(a, here, 15) == b"seen by another"
        end = a.expect(200, "GET", f"{CONNECTIONS}/{here}")[1]["receive"]["received"]
        a.expect(200, "POST", f"{CONNECTIONS}/{here}/ack", {"offset": end})
        page.driver.back()
        send(b, there, b"the last")
        page.click_first("#show-text")
        page.expect("#arrived", "the last")
        b.expect(204, "DELETE", f"{CONNECTIONS}/{there}?drain=30s")
        page.expect("#arrived-status", "8 bytes have arrived here. That was all")
        page.expect_quiet_console()


def broken_upload():
    """The way to the gateway breaks in the middle of a file; it goes on, and no byte differs."""
    size = 12 << 20
    with gateway() as a, gateway() as b, browser() as page:
        host, port = a.http.rsplit(":", 1)
        with BreakingProxy((host, int(port)), limit=4 << 20) as way:
            here, there = connect(a, b)
            path = random_file(a, size)
            page.open(f"{way.base}/#/connections/{here}")
            page.labelled("File").send_keys(str(path))
            page.click("Send file")
            assert received(b, there, size) == path.read_bytes()
            assert way.broken.is_set()
            page.expect("#file-status", "The peer has acknowledged all of it")
            page.expect_none("#banner")
            # A file that has changed since it was chosen is not the one that was meant.
            path.write_bytes(b"another content")
            page.click("Send file")
            page.expect("#file-status", "The file cannot be read any more")
            page.expect_none("#banner")
            path = random_file(a, size)
            page.labelled("File").send_keys(str(path))
        # The way is gone for good now, and with it a further file; that can be cancelled.
        page.expect("#banner", "The gateway has not answered since")
        page.click("Send file")
        page.expect("#file-status", "Broken off; it goes on when the gateway answers")
        page.click("Cancel")
        page.expect("#file-status", "Cancelled")
        page.expect_quiet_console(refusals=True)


def ends():
    """A connection is aborted, and removed from the list."""
    with gateway() as a, gateway() as b, browser() as page:
        here, there = connect(a, b)
        page.open(f"{a.base}/#/connections/{here}")
        page.click("Abort")
        page.click("Abort now")
        page.expect("#end-status", "It is closed; what was on its way is lost.")
        page.expect("#connection-status", "Closed: closed here. It was open for")
        page.expect("#send-closed", "nothing can be sent")
        assert not page.all("#send-forms")[0].is_displayed()
        page.click("Remove from the list")
        page.expect("#connections-note", "There is no connection.")
        assert a.request("GET", f"{CONNECTIONS}/{here}")[0] == 404
        # The other end has heard of it.
        page.open(f"{b.base}/#/connections/{there}")
        page.expect("#connection-status", "Closed: closed by the peer")
        page.expect_quiet_console()

        # In the middle of a file, by the peer.
        here, there = connect(a, b)
        page.open(f"{a.base}/#/connections/{here}")
        page.expect("#connection-status", "Open for")
        page.labelled("File").send_keys(str(random_file(a, 8 << 20)))
        page.click("Send file")
        received(b, there, 1)
        b.expect(204, "DELETE", f"{CONNECTIONS}/{there}?abort=true")
        page.expect("#connection-status", "Closed: closed by the peer")
        page.wait(
            lambda: "closed by the peer" in page.all("#file-status")[0].get_property("textContent"),
            "why the file did not arrive",
        )
        page.expect_quiet_console(refusals=True)


def many_uploads():
    """Two files at once, and none lost; a third one is not begun, so that the page stays alive."""
    size = 4 << 20
    with gateway() as a, gateway() as b, browser() as page:
        ends = [connect(a, b) for _ in range(3)]
        path = random_file(a, size)
        for here, _ in ends:
            page.open(f"{a.base}/#/connections/{here}")
            page.expect("#connection-status", "Open for")
            page.labelled("File").send_keys(str(path))
            page.click("Send file")
            page.expect("#file-status", "2 files are on" if here == ends[2][0] else "of 4 MiB")
        for _, there in ends[:2]:
            assert received(b, there, size) == path.read_bytes()
        # What became of the first one while its page was not looked at.
        page.open(f"{a.base}/#/connections/{ends[0][0]}")
        page.expect("#file-status", "The peer has acknowledged all of it")
        page.open(f"{a.base}/#/connections/{ends[2][0]}")
        page.labelled("File").send_keys(str(path))
        page.click("Send file")
        assert received(b, ends[2][1], size) == path.read_bytes()
        page.expect("#file-status", "The peer has acknowledged all of it")
        page.expect_quiet_console()


def refused_connections():
    """Who does not answer, is somebody else, or cannot be: each has its own words."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
        gateway("--dial-deny", "192.0.2.0/24") as a,
        gateway() as b,
        browser() as page,
    ):
        silent.bind(("127.0.0.1", 0))
        nobody = "127.0.0.1:%d" % silent.getsockname()[1]
        page.open(a.base)

        def refusal(address, peer, *texts):
            page.fill("Address of its UDP socket", address)
            page.fill("Peer id", peer)
            page.click("Connect")
            page.expect("#connect-status", *texts)

        refusal(nobody, "", f"No peer at {nobody} finished", "Is a gateway running there")
        page.picture("nobody-answers")
        refusal(b.udp, a.peer, f"is {b.peer}, not {a.peer}", "connect with its id")
        refusal("192.0.2.1:3030", "", "may not connect to 192.0.2.1:3030")
        refusal(a.udp, "", "is this gateway's own")
        refusal("nowhere", "", "has to be HOST:PORT")
        assert page.labelled("Address").get_attribute("aria-invalid") == "true"
        assert page.script("return document.activeElement.id") == "address"
        refusal(b.udp, "nobody", "is not a peer id")
        assert page.labelled("Peer id").get_attribute("aria-invalid") == "true"
        assert page.labelled("Address").get_attribute("aria-invalid") == "false"
        # What was typed is still there to be corrected.
        assert page.labelled("Address").get_property("value") == b.udp
        page.expect_quiet_console(refusals=True)


def token_file(directory):
    """A gateway's tokens, by name."""
    tokens = {"all": "all-0123456789abcdef", "reader": "read-0123456789abcdef"}
    tokens["prometheus"] = "metrics-0123456789abcdef"
    scopes = {"all": "read,write,metrics", "reader": "read", "prometheus": "metrics"}
    path = os.path.join(directory, "tokens")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name} {scopes[name]} {token}\n" for name, token in tokens.items())
    return path, tokens


def use(page, token):
    page.fill("Token", token)
    page.click("Use it")


def tokens():
    """A wrong token, one for something else, too many of them, the right one, and none again."""
    with browser() as page:
        path, token = token_file(page.directory.name)
        with gateway("--token-file", path) as a:
            page.open(a.base)
            page.expect("#token-dialog", "This gateway serves those who have a token")
            page.picture("token")
            use(page, "wrong, and no token at all")
            page.expect("#token-status", "A token has letters, digits")
            use(page, "wrong-0123456789abcdef")
            page.expect("#token-status", "The gateway does not know this token")
            use(page, token["prometheus"])
            page.expect("#token-status", "it is not for reading")
            for attempt in range(100, 200):
                if "Too many wrong tokens" in page.text("#token-status"):
                    break
                use(page, f"wrong-0123456789a{attempt}")
                page.wait(
                    lambda: "Trying it" not in page.text("#token-status"), "the gateway's answer"
                )
            page.expect("#token-status", "Too many wrong tokens came from this address. Try again")
            page.click("Not now")
            page.expect("#connections-note", "needs a token")
            page.click("Give a token")
            use(page, token["all"])
            page.expect("#peer-id", a.peer)
            page.expect("#connections-note", "There is no connection.")
            kept = "return [sessionStorage.length, localStorage.length, document.cookie]"
            assert page.script(kept) == [1, 0, ""]
            page.driver.refresh()
            page.expect("#peer-id", a.peer)
            # The token is taken back while the page is open.
            _, others = token_file(page.directory.name)
            text = open(path, encoding="utf-8").read().replace(others["all"], "other-" + "0" * 16)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            a.process.send_signal(signal.SIGHUP)
            page.expect("#token-status", "The gateway does not know this token")
            use(page, "other-" + "0" * 16)
            page.expect("#connections-note", "There is no connection.")
            page.click("Forget the token")
            page.expect("#token-dialog", "This gateway serves those who have a token")
            assert page.script(kept) == [0, 0, ""]
            page.expect_quiet_console(refusals=True)


def token_for_reading():
    """It shows everything, and says why it changes nothing."""
    with gateway() as b, browser() as page:
        path, token = token_file(page.directory.name)
        with gateway("--token-file", path) as a:
            here = b.expect(201, "POST", CONNECTIONS, {"address": a.udp})[1]["id"]
            send(b, here, b"to be read")
            page.open(a.base)
            use(page, token["reader"])
            page.expect("#peer-id", a.peer)
            page.fill("Address of its UDP socket", b.udp)
            page.click("Connect")
            page.expect("#connect-status", "Your token may not do this", "the scope write")
            page.click_first("#connection-list a")
            page.expect("#arrived", "to be read")
            page.fill("Text", "not to be sent")
            page.click("Send text")
            page.expect("#text-status", "Your token may not do this")
            page.labelled("File").send_keys(path)
            page.click("Send file")
            page.expect("#file-status", "Your token may not do this")
            page.click("Close")
            page.expect("#end-status", "Your token may not do this")
            page.expect("#connection-status", "Open for")
            page.expect_quiet_console(refusals=True)


def restarted_gateway():
    """A gateway that is killed, and one that is started in its place."""
    with gateway() as a, gateway() as b, browser() as page:
        here, _ = connect(a, b)
        open_page(page, a)
        page.expect("#connections-note", "1 connection.")
        connect(a, b)
        page.expect("#event-list", "Connected to")
        page.fill("Address of its UDP socket", "half an addr")
        a.kill()
        page.expect("#banner", "The gateway has not answered since", "trying again")
        page.picture("gateway-down")
        a.start()
        page.expect_none("#banner")
        page.expect("#connections-note", "There is no connection.")
        page.expect("#event-list", "Some events were missed")
        assert page.labelled("Address").get_property("value") == "half an addr"
        there = b.expect(201, "POST", CONNECTIONS, {"address": a.udp})[1]["id"]
        page.expect("#event-list", f"A peer has connected from {b.udp}")
        # One that was there before.
        page.open(f"{a.base}/#/connections/{here}")
        page.expect("#connection-status", "There is no such connection any more")
        assert not page.all("#send-forms")[0].is_displayed()
        page.click("← All connections")
        page.expect("#connections-note", "1 connection.")
        b.expect(204, "DELETE", f"{CONNECTIONS}/{there}")
        page.expect("#connection-list", "closed by the peer")
        page.expect_quiet_console(refusals=True)


def full_disk():
    """A disk that takes nothing more, and then does again."""
    with gateway() as b, browser() as page:
        spool = os.path.join(page.directory.name, "spool")
        with gateway("--data-dir", spool) as a:
            here, there = connect(a, b)
            page.open(a.base)
            page.expect("#connections-note", "1 connection.")
            a.limit_files(1)
            b.expect(200, "POST", f"{CONNECTIONS}/{there}/data", b"to be kept")
            page.expect("#banner", "What arrives cannot be kept", "make room on the disk")
            page.picture("full-disk")
            a.limit_files(None)
            page.expect_none("#banner")
            page.open(f"{a.base}/#/connections/{here}")
            page.expect("#arrived", "to be kept")
            page.expect_quiet_console(refusals=True)


def draining_gateway():
    """A gateway that is about to stop says so, and makes no new connections."""
    with gateway("--drain-time", "5m") as a, gateway() as b, browser() as page:
        # While it is open the gateway waits for its end.
        connect(a, b)
        page.open(a.base)
        page.expect("#connections-note", "1 connection.")
        a.process.send_signal(signal.SIGTERM)
        page.expect("#banner", "The gateway is about to stop")
        page.fill("Address of its UDP socket", b.udp)
        page.click("Connect")
        page.expect("#connect-status", "it makes no new connections")
        page.expect_quiet_console(refusals=True)


def many_connections():
    """More than a page shows: it says so, and shows the others when it is asked."""
    shown, more = 100, 3
    with gateway() as a, gateway() as b, browser() as page:
        target = {"address": b.udp, "peer": b.peer}
        for number in range(shown + more):
            _, content = a.expect(201, "POST", CONNECTIONS, {**target, "name": f"no {number}"})
        a.expect(204, "DELETE", f"{CONNECTIONS}/{content['id']}?abort=true")
        page.open(a.base)
        page.expect("#connections-note", "100 connections, in the order they came. There are more")
        assert len(page.all("#connection-list li")) == shown
        page.click("Next page")
        page.expect("#connections-note", "The last 3 connections.")
        page.expect("#connection-list", "no 100", "no 102 closed")
        page.click("First page")
        page.expect("#connections-note", "There are more")
        choice = page.labelled("Show")
        choice.send_keys("closed")
        page.expect("#connections-note", "1 closed connection.")
        assert len(page.all("#connection-list li")) == 1
        page.expect_quiet_console()


def waiting(node):
    """Requests that wait at this moment."""
    lines = node.expect(200, "GET", "/metrics")[1].decode().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("lrp2p_polls_waiting "))


def hidden_page():
    """A page that nobody sees waits for nothing; when it is seen again it goes on, and says what
    it has missed.
    """
    with gateway() as a, gateway() as b, browser() as page:
        page.open(a.base)
        page.wait(lambda: waiting(a) == 1, "the page waits for events")
        window = page.driver.current_window_handle
        page.driver.switch_to.new_window("tab")
        page.wait(lambda: waiting(a) == 0, "nobody waits for events")
        here, there = connect(a, b, name="made meanwhile")
        page.driver.close()
        page.look_at(window)
        page.expect("#connection-list", "made meanwhile")
        page.expect("#event-list", "Connected to")

        page.click_first("#connection-list a")
        send(b, there, b"seen")
        page.expect("#arrived", "seen")
        page.driver.switch_to.new_window("tab")
        page.wait(lambda: waiting(a) == 0, "nobody waits for bytes")
        send(b, there, b" and missed")
        assert received(a, here, 15) == b"seen and missed"
        end = a.expect(200, "GET", f"{CONNECTIONS}/{here}")[1]["receive"]["received"]
        a.expect(200, "POST", f"{CONNECTIONS}/{here}/ack", {"offset": end})
        send(b, there, b" and seen again")
        page.driver.close()
        page.look_at(window)
        page.expect("#arrived", "seen and seen again")
        page.expect("#arrived-status", "Others are missing: another reader had acknowledged them")
        page.expect_quiet_console(refusals=True)


def too_few_requests():
    """A gateway that refuses parts of the page; what did come says so."""
    with gateway("--request-rate", "5") as a, browser() as page:
        page.open(a.base)
        page.expect("#missing", "Parts of this page are missing")
        page.expect_quiet_console(refusals=True)


def appearance():
    """By day and by night, wide and narrow: no text is too pale, and nothing is cut off."""
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    with gateway() as a, gateway() as b, browser() as page:
        here, there = connect(a, b, name="x" * 64)
        connect(a, b)
        send(a, here, b"there" * 5000)
        send(b, there, b"and back, in one word: " + b"x" * 500)
        for view, target in (("overview", "/#/"), ("connection", f"/#/connections/{here}")):
            for scheme in ("light", "dark"):
                for width in (None, 360, 320):
                    page.open("about:blank")
                    page.emulate(scheme, width)
                    page.open(a.base + target)
                    page.expect(f"#{view} .chart", "ms")
                    assert page.script(overflow) <= 0, (view, width)
                    found = page.inaccessible()
                    assert not found, (view, scheme, width, found)
                    page.picture(f"{view}-{scheme}-{width or 'wide'}")
        page.expect_quiet_console()


if __name__ == "__main__":
    globals()[NAME]()
