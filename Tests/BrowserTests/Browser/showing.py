"""How the page shows what there is."""

from tools import CONNECTIONS, browser, connect, gateway, received, send, waiting


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
