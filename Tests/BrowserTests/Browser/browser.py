"""A headless Chromium, used as a person uses it: by labels, names and what is written."""

import base64
import tempfile
from pathlib import Path

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

# Seconds; against a page that hangs, not a measure.
LONGEST = 120
# Debian's, so that nothing is fetched.
CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
OPTIONS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    # Two windows are looked at in turn: none of them is hidden by the other.
    *("--disable-backgrounding-occluded-windows", "--disable-background-timer-throttling"),
    "--disable-features=CalculateNativeWinOcclusion",
]
# A page that lives changes under the hand: a person looks, and tries again.
CHANGING = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
# What a gateway that refuses, or is not there, makes Chromium write; not the page.
NETWORK = "network"


class Browser:
    def __init__(self, artifacts, name, size=(1280, 1000)):
        self.name, self.artifacts = name, Path(artifacts)
        self.artifacts.mkdir(parents=True, exist_ok=True)
        self.directory = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for option in OPTIONS:
            options.add_argument(option)
        options.add_argument(f"--user-data-dir={self.directory.name}/profile")
        options.add_argument("--window-size=%d,%d" % size)
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads)}
        )
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.driver.set_script_timeout(LONGEST)
        self.errors = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind:
                self.picture(f"failure-{self.name}")
                print(self.driver.current_url, self.text("body"), self.errors, self.log())
        finally:
            self.driver.quit()
            self.directory.cleanup()

    @property
    def downloads(self):
        return Path(self.directory.name) / "downloads"

    # What is there

    def wait(self, condition, what):
        """The first true value of `condition`, which is asked again and again."""
        waiting = WebDriverWait(self.driver, LONGEST, ignored_exceptions=CHANGING)
        try:
            return waiting.until(lambda _: condition())
        except TimeoutException as error:
            raise AssertionError(f"never: {what}; there is: {self.text('body')}") from error

    def find(self, selector):
        """The first element that is shown."""
        return self.wait(
            lambda: next((e for e in self.all(selector) if e.is_displayed()), None), selector
        )

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """All that is shown of it, in one line."""
        return " ".join(" ".join(element.text for element in self.all(selector)).split())

    def expect(self, selector, *texts):
        """Waits until all of the texts can be read there."""
        for text in texts:
            self.wait(lambda: text in self.text(selector), f"{selector}: {text}")

    def expect_none(self, selector):
        self.wait(lambda: not self.text(selector), f"{selector} is empty")

    def script(self, source, *arguments):
        return self.driver.execute_script(source, *arguments)

    # What is done

    def open(self, address):
        self.driver.get(address)

    def look_at(self, window):
        self.log()
        self.driver.switch_to.window(window)

    def shown(self, path):
        """The first element of an XPath that is shown, or None."""
        elements = self.driver.find_elements(By.XPATH, path)
        return next((e for e in elements if e.is_displayed() and e.is_enabled()), None)

    def labelled(self, label):
        """The control that a label is for, or that is in it."""
        path = f"//label[starts-with(normalize-space(), '{label}')]"
        element = self.wait(lambda: self.shown(path), f"the label {label}")
        target = element.get_attribute("for")
        if target:
            return self.driver.find_element(By.ID, target)
        return element.find_element(By.CSS_SELECTOR, "input")

    def fill(self, label, text):
        def type_in():
            control = self.labelled(label)
            control.clear()
            control.send_keys(text)
            return control

        self.wait(type_in, f"a place to write in: {label}")

    def click(self, name):
        """Clicks on the button or link with this text."""
        path = f"//*[self::button or self::a or self::summary][normalize-space()='{name}']"
        self.wait(lambda: self.clicked(self.shown(path)), f"the button {name}")

    def click_first(self, selector):
        self.wait(lambda: self.clicked(self.find(selector)), selector)

    @staticmethod
    def clicked(element):
        if element:
            element.click()
        return element

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, identifier):
        """Presses Tab until the element has the focus, as long as a person might."""
        for _ in range(60):
            if self.script("return document.activeElement.id") == identifier:
                return
            self.press(Keys.TAB)
        raise AssertionError(f"Tab does not lead to {identifier}")

    # How it looks

    def emulate(self, scheme="light", width=None):
        """Day or night, and the width of a telephone."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        if width is None:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            return
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def picture(self, name):
        """Keeps a picture of the whole page."""
        answer = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"}
        )
        (self.artifacts / f"{name}.png").write_bytes(base64.b64decode(answer["data"]))

    def inaccessible(self):
        """What axe finds: its rules, and where."""
        self.log()
        found = Axe().run(self.driver)["violations"]
        # It tries what the policy of the page refuses.
        self.driver.get_log("browser")
        return [f"{v['id']}: {node['html']}" for v in found for node in v["nodes"]]

    # What went wrong

    def log(self):
        """Keeps what the console says; returns all of it so far."""
        self.errors += self.driver.get_log("browser")
        return self.errors

    def expect_quiet_console(self, refusals=False):
        """Nothing on the console; with `refusals`, nothing but requests that came to nothing."""
        entries = [e for e in self.log() if not (refusals and e["source"] == NETWORK)]
        assert not entries, entries
