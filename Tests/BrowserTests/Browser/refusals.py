"""What goes wrong, and what the page says of it."""

import os
import signal
import socket

from tools import CONNECTIONS, browser, connect, gateway, open_page, send, token_file, use


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
            page.expect("#banner", "The spool fails", "make room on the disk")
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


def too_few_requests():
    """A gateway that refuses parts of the page; what did come says so."""
    with gateway("--request-rate", "5") as a, browser() as page:
        page.open(a.base)
        page.expect("#missing", "Parts of this page are missing")
        page.expect_quiet_console(refusals=True)
