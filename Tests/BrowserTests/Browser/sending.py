"""Connections, and what is sent on them, as people see them."""

from processes import BreakingProxy
from selenium.webdriver.common.keys import Keys
from tools import CONNECTIONS, browser, connect, gateway, open_page, random_file, received, send


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


def ends():
    """A connection is aborted, and removed from the list."""
    with gateway() as a, gateway() as b, browser() as page:
        here, there = connect(a, b)
        page.open(f"{a.base}/#/connections/{here}")
        page.click("Abort")
        page.click("Abort now")
        page.expect("#end-status", "It is closed; what was on its way is lost.")
        page.expect("#connection-status", "Closed: closed here. It was open for")
        page.expect("#arrived-status", "It was cut off")
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
