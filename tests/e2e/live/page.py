"""What the tests of the live page do with it: scripts that run in it, and waiting for what they look for."""

from PIL import Image

# A video that the page itself records: a dark bar that wanders over white.
RECORD = """
const done = arguments[arguments.length - 1];
const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 80 });
const context = canvas.getContext("2d");
const recorder = new MediaRecorder(canvas.captureStream(20));
const parts = [];
recorder.ondataavailable = (event) => parts.push(event.data);
recorder.onstop = () => {
  const moved = new DataTransfer();
  moved.items.add(new File(parts, "bar.webm", { type: "video/webm" }));
  const input = document.getElementById("video-file");
  input.files = moved.files;
  input.dispatchEvent(new Event("change"));
  done(true);
};
recorder.start();
let x = 0;
const timer = setInterval(() => {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 160, 80);
  context.fillStyle = "#000";
  context.fillRect((x += 8) % 150, 20, 8, 40);
  if (x > 160) {
    clearInterval(timer);
    recorder.stop();
  }
}, 50);
"""
DROP = """
const moved = new DataTransfer();
for (const [name, type, bytes] of arguments[0]) moved.items.add(new File([new Uint8Array(bytes)], name, { type }));
document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: moved }));
"""
GIVE = """
const field = document.querySelector(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event(arguments[2]));
"""
PIXELS = """
const canvas = document.querySelector(arguments[0]);
if (!canvas || canvas.width < 2) return null;
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
return [...data].filter((_, place) => place % 4 === 0);
"""


def until(browser, true, *arguments):
    """What a script gives once it is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 60).until(lambda found: found.execute_script(true, *arguments))


def text(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def give(browser, selector, value, event):
    browser.execute_script(GIVE, selector, value, event)


def press(browser, *keys):
    from selenium.webdriver.common.by import By

    browser.execute_script("document.activeElement.blur()")
    browser.find_element(By.TAG_NAME, "body").send_keys(*keys)


def pixels_until(browser, selector, true):
    """The red of a canvas's pixels once `true` of it."""
    from selenium.webdriver.support.ui import WebDriverWait

    def found(driver):
        pixels = driver.execute_script(PIXELS, selector)
        return pixels if pixels and true(pixels) else None

    return WebDriverWait(browser, 60).until(found)


def drop_files(browser, *paths):
    """Drop files and folders of this machine on the page, as a person does."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})


def png(folder, pixels, name="word.png"):
    Image.fromarray(pixels).save(folder / name)
    return [name, "image/png", list((folder / name).read_bytes())]
