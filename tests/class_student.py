"""A student and their browser, for `class_load.py`: what pages of JupyterHub and JupyterLab, widgets and `picture.js` say."""

import asyncio
import json
import time

import aiohttp
import yarl

PAGE = "http://127.0.0.1:8765"
# What a page of JupyterLab asks its server for while it opens.
ASKED = [
    "api/kernelspecs", "api/me", "lab/api/settings", "api/kernels", "api/sessions", "lab/api/workspaces", "lab/api/translations/default",
    "api/kernelspecs", "lab/api/build", "lab/api/translations", "api/contents?content=1", "lab/api/settings/@jupyterlab/docmanager-extension:plugin",
    "lab/api/themes/@jupyterlab/theme-light-extension/index.css", "api/contents/notebooks?content=1", "api/nbconvert",
]  # fmt: skip
PROTOCOL = "v1.kernel.websocket.jupyter.org"  # JupyterLab's: messages as the kernel sends them, in parts
SCRIPTS = 80  # files of JupyterLab's that a page loads


class Student:
    """A student and their browser."""

    def __init__(self, name, password, rng):
        self.name, self.password, self.rng = name, password, rng
        self.times, self.waits, self.failures = {}, {}, []

    # ---- the hub and the page ------------------------------------------------------------------------------------

    async def arrive(self, scripts):
        """Log in, wait for the server, open the page."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address that is a number
        self.web = aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=600))
        began = time.monotonic()
        await self.get("/hub/login")
        form = {"username": self.name, "password": self.password, "_xsrf": self.cookie("/hub/", "_xsrf")}
        async with self.web.post(f"{PAGE}/hub/login", data=form, allow_redirects=False) as answer:
            if answer.status != 302:
                raise RuntimeError(f"{self.name} is not let in: {answer.status}")
        await self.get("/hub/spawn")
        await self.ready()
        self.times["server up"] = time.monotonic() - began
        await self.get(f"/user/{self.name}/lab")
        for path in ASKED:
            await self.get(f"/user/{self.name}/{path}")
        for script in scripts:
            await self.get(f"/user/{self.name}/static/lab/{script}")
        self.times["page open"] = time.monotonic() - began

    async def get(self, path):
        async with self.web.get(PAGE + path) as answer:
            body = await answer.read()
            if answer.status >= 400 and "build" not in path:
                raise RuntimeError(f"{answer.status} for {path}: {body[:200]}")
            return body

    def cookie(self, path, name):
        return self.web.cookie_jar.filter_cookies(yarl.URL(PAGE + path))[name].value

    async def ready(self):
        address = f"{PAGE}/hub/api/users/{self.name}/server/progress"
        async with self.web.get(address, params={"_xsrf": self.cookie("/hub/", "_xsrf")}) as stream:
            async for line in stream.content:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if event.get("failed"):
                        raise RuntimeError(f"the server of {self.name}: {event['message']}")
                    if event.get("ready"):
                        return
        raise RuntimeError(f"the server of {self.name}: no word that it is ready")

    # ---- a notebook ----------------------------------------------------------------------------------------------

    async def open(self, notebook):
        """The notebook, a kernel, a connection to it."""
        path = f"/user/{self.name}/api"
        found = json.loads(await self.get(f"{path}/contents/notebooks/{notebook}"))
        self.cells = ["".join(cell["source"]) for cell in found["content"]["cells"] if cell["cell_type"] == "code"]
        token = {"X-XSRFToken": self.cookie(f"/user/{self.name}/", "_xsrf")}
        wanted = {"path": f"notebooks/{notebook}", "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        async with self.web.post(f"{PAGE}{path}/sessions", json=wanted, headers=token) as answer:
            if answer.status != 201:
                raise RuntimeError(f"no kernel for {self.name}: {answer.status} {await answer.text()}")
            self.session = await answer.json()
        kernel = self.session["kernel"]["id"]
        self.line = await self.web.ws_connect(f"{PAGE}{path}/kernels/{kernel}/channels?session_id=load", max_msg_size=0, protocols=[PROTOCOL])
        self.models, self.waiting, self.count, self.pictures = {}, {}, 0, 0
        self.looked, self.moved, self.acknowledged, self.told, self.telling = None, None, 0.0, 0, None
        self.reader = asyncio.create_task(self.listen())

    async def run(self, notebook):
        """Run All."""
        began = time.monotonic()
        await self.open(notebook)
        for source in self.cells:
            content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
            answer = await self.send("execute_request", content)
            if answer["status"] != "ok":
                raise RuntimeError(f"{self.name}, {notebook}: {answer.get('ename')}: {answer.get('evalue')}")
        self.times.setdefault("run", []).append(time.monotonic() - began)

    async def send(self, kind, content, wait=True):
        """Send a message; if asked to, wait for the reply to it."""
        self.count += 1
        number = f"{self.name}-{self.count}"
        header = {"msg_id": number, "msg_type": kind, "username": self.name, "session": "load", "version": "5.3", "date": ""}
        if wait:
            reply = self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.line.send_bytes(pack(header, content))
        return await reply if wait else None

    async def listen(self):
        async for frame in self.line:
            header, parent, content = unpack(frame.data)
            kind = header["msg_type"]
            if kind.endswith("_reply"):
                reply = self.waiting.pop(parent.get("msg_id"), None)
                if reply and not reply.done():
                    reply.set_result(content)
            elif kind == "comm_open":
                self.models[content["comm_id"]] = content["data"]["state"]
            elif kind == "comm_msg" and content["data"].get("method") == "update":
                state = content["data"]["state"]
                self.models.get(content["comm_id"], {}).update(state)
                if content["comm_id"] == self.looked and "number" in state:
                    await self.seen(state)
        for reply in self.waiting.values():
            reply.done() or reply.set_exception(RuntimeError("the connection to the kernel was closed"))

    # ---- a panel -------------------------------------------------------------------------------------------------

    async def look(self, plays):
        """Look at one of the panels: one with a slider and, if asked for, with a play button."""
        panels = [panel for panel in map(self.parts, self.models) if panel and (panel["play"] or not plays)]
        if not panels:
            raise RuntimeError(f"{self.name}: no panel among {len(self.models)} widgets")
        self.panel = self.rng.choice(panels)
        self.looked = self.panel["picture"]
        for event in ({"event": "hello"}, {"event": "seen", "seen": True}):
            await self.tell(event)

    def parts(self, key):
        """The picture, the sliders (of what is learned, not of how fast it is shown) and the play button of a panel."""
        model = self.models[key]
        if "pgedu-live" not in model.get("_dom_classes", []) or len(model.get("children", [])) < 3:
            return None
        controls, buttons, picture = (child.removeprefix("IPY_MODEL_") for child in model["children"][:3])
        inside = lambda bar: [child.removeprefix("IPY_MODEL_") for child in self.models[bar].get("children", [])]  # noqa: E731
        sliders = [each for each in inside(controls) if "Slider" in self.models[each]["_model_name"]]
        play = [each for each in inside(buttons) if self.models[each].get("description") == "play"]
        return {"sliders": sliders, "play": play[0] if play else None, "picture": picture} if sliders else None

    async def tell(self, event):
        """What picture.js says."""
        data = {"method": "custom", "content": event | {"view": "load"}}
        await self.send("comm_msg", {"comm_id": self.looked, "data": data}, wait=False)

    async def seen(self, state):
        """A picture has come: count it, say so as a page does, and note how long a slider has waited for it."""
        self.pictures += 1
        now = time.monotonic()
        if self.moved:
            self.waits.setdefault(self.phase, []).append(now - self.moved)
            self.moved = None
        number, loop = state["number"], asyncio.get_running_loop()
        wait = 0.4 if number < self.told + 2 else max(0.0, self.acknowledged + 0.08 - now)
        self.telling and self.telling.cancel()
        self.telling = loop.call_later(wait, lambda: loop.create_task(self.acknowledge(number)))

    async def acknowledge(self, number):
        self.acknowledged, self.told = time.monotonic(), number
        if not self.line.closed:
            await self.tell({"event": "painted", "number": number})

    async def move(self, seconds, phase):
        """Move the first slider about twice a second, waiting for its picture each time. (Others may begin a training afresh.)"""
        self.phase, until = phase, time.monotonic() + seconds
        while time.monotonic() < until:
            key = self.panel["sliders"][0]
            state = self.models[key]
            low, high, step = state["min"], state["max"], state["step"]
            value = low + step * self.rng.randrange(int((high - low) / step) + 1)
            value = state.get("base", 10.0) ** value if state["_model_name"] == "FloatLogSliderModel" else value
            if value != state["value"]:
                state["value"] = value
                self.moved = time.monotonic()
                await self.update(key, value=value)
            await asyncio.sleep(self.rng.uniform(0.25, 0.75))
            while self.moved and time.monotonic() - self.moved < 10:
                await asyncio.sleep(0.01)
            if self.moved:
                self.failures.append(f"{phase}: a slider without an answer in 10 s")
                self.moved = None

    async def update(self, key, **state):
        await self.send("comm_msg", {"comm_id": key, "data": {"method": "update", "state": state, "buffer_paths": []}}, wait=False)

    async def play(self, on):
        await self.update(self.panel["play"], value=on)

    async def close(self):
        """Close the notebook's connection, without a word, as a browser does that is closed; the kernel stays."""
        self.reader.cancel()
        await self.line.close()


def pack(header, content):
    """A message for the shell channel: how many parts, where each begins and the last ends, the parts."""
    parts = [b"shell", *(json.dumps(part).encode() for part in (header, {}, {}, content))]
    begins = [8 * (len(parts) + 2)]
    for part in parts:
        begins.append(begins[-1] + len(part))
    return b"".join(number.to_bytes(8, "little") for number in [len(begins), *begins]) + b"".join(parts)


def unpack(data):
    """(header, header of what it answers, content) of a message; buffers are not read."""
    begins = [int.from_bytes(data[8 * i : 8 * i + 8], "little") for i in range(1, 7)]
    return [json.loads(data[begins[i] : begins[i + 1]]) for i in (1, 2, 4)]
