// A picture that a kernel draws and a reader takes hold of. No value of a control lives here: what the pointer or a key
// wants is sent to the kernel, and handles stand where the last picture says.

const TOLD = 80; // milliseconds from one word about painted pictures to the next
const LATE = 400; // milliseconds until a word about a single picture
const SETTLED = 150; // milliseconds without a change of width before a picture of another size is asked for

function make(parent, tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

// What controls of ipywidgets do not tell a screen reader: the names of sliders and of the boxes with their values, values
// on a log scale (not their logarithm), whether a toggle is pressed (one that changes its word says it in that word).
function controls() {
  const set = (node, name, text) => { if (node && text && node.getAttribute(name) !== text) node.setAttribute(name, text); };
  const tell = panel => {
    // The bars of controls, which may come later than the picture; not the picture, which changes thirty times a second.
    observer.observe(panel, { childList: true });
    for (const bar of panel.querySelectorAll(":scope > .widget-box")) observer.observe(bar, changes);
    for (const slider of panel.querySelectorAll(".widget-slider")) {
      const handle = slider.querySelector(".noUi-handle"), box = slider.querySelector(".widget-readout");
      const name = slider.querySelector(".widget-label")?.textContent.trim();
      set(handle, "aria-label", name);
      set(handle, "aria-valuetext", box?.textContent.trim());
      set(box, "role", "textbox");
      set(box, "aria-label", name && `value of ${name}`);
    }
    for (const toggle of panel.querySelectorAll(".widget-toggle-button"))
      if (!["play", "pause"].includes(toggle.textContent.trim())) set(toggle, "aria-pressed", `${toggle.matches(".mod-active")}`);
    for (const label of panel.querySelectorAll("[title=null]")) label.removeAttribute("title"); // or it pops up, and is read
  };
  let watched = null;
  const observer = new MutationObserver(() => tell(watched));
  const changes = { subtree: true, childList: true, characterData: true, attributeFilter: ["aria-valuetext", "class", "title"] };
  const watch = panel => {
    if (!panel || panel === watched) return;
    observer.disconnect();
    tell((watched = panel));
  };
  return { watch, disconnect: () => observer.disconnect() };
}

function render({ model, el }) {
  const view = Array.from(crypto.getRandomValues(new Uint32Array(2)), n => n.toString(36)).join("");
  const say = (event, more = {}) => model.send({ event, view, ...more });

  const frame = make(el, "div", "pgedu-picture");
  const stage = make(frame, "div", "pgedu-stage");
  const canvas = make(stage, "canvas", "", { role: "img" });
  const overlay = make(stage, "div", "pgedu-handles");
  const words = make(frame, "div", "pgedu-words", { role: "status" });
  const context = canvas.getContext("bitmaprenderer"); // it changes in one go, without flicker

  // ---- the picture -------------------------------------------------------------------------------------------------

  let newest = -1;
  async function paint() {
    const number = model.get("number"), bytes = model.get("png");
    newest = number;
    const state = { text: model.get("text"), alert: model.get("alert"), playing: model.get("playing"),
                    handles: model.get("handles"), answered: model.get("answered") };
    if (bytes?.byteLength) {
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      if (number !== newest) return; // a newer one has come meanwhile
      if (canvas.width !== bitmap.width) canvas.width = bitmap.width; // what its height is reckoned from
      if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
      context.transferFromImageBitmap(bitmap);
    }
    canvas.setAttribute("aria-label", state.text);
    canvas.dataset.number = number;
    speak(state);
    place(state.handles);
    requestAnimationFrame(() => {
      if (state.playing) acknowledge(number);
      if (state.answered[view] === asked) { asked = null; ask(); }
    });
  }

  // A player sends no more pictures than are painted. To tell it is work for both sides, too: now and then is enough.
  let told = 0, last = 0, telling = null;
  function acknowledge(number) {
    clearTimeout(telling);
    telling = setTimeout(() => {
      told = performance.now();
      say("painted", { number: (last = number) });
    }, number < last + 2 ? LATE : Math.max(0, told + TOLD - performance.now()));
  }

  function speak({ text, alert, playing }) {
    const role = alert ? "alert" : "status";
    if (words.getAttribute("role") !== role) words.setAttribute("role", role);
    words.setAttribute("aria-live", alert ? "assertive" : playing ? "off" : "polite"); // not 30 sentences a second
    words.classList.toggle("pgedu-alert", Boolean(alert));
    const shown = alert || text;
    if (words.textContent !== shown) words.textContent = shown;
  }

  // ---- one wish at a time: the next is sent when the picture for the last one has been painted ---------------------

  let asked = null, wish = null, count = 0;
  function want(next) {
    const steps = next.steps && wish?.steps && wish.handle === next.handle; // keys add up, places replace one another
    wish = steps ? { ...next, steps: [0, 1].map(i => next.steps[i] + wish.steps[i]) } : next;
    ask();
  }
  function ask() {
    if (asked !== null || wish === null) return;
    asked = ++count;
    say("move", { ...wish, count });
    wish = null;
  }

  // ---- handles -----------------------------------------------------------------------------------------------------

  let knobs = [];
  function place(handles) {
    if (handles.length !== knobs.length || handles.some((handle, i) => handle.label !== knobs[i].label)) build(handles);
    knobs.forEach((knob, i) => {
      const handle = knob.handle = handles[i], [left, top, right, bottom] = handle.box;
      Object.assign(knob.node.style, { left: `${100 * handle.at[0]}%`, top: `${100 * handle.at[1]}%` });
      Object.assign(knob.zone.style, { left: `${100 * left}%`, top: `${100 * top}%`,
                                       width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%` });
      knob.node.setAttribute("aria-valuetext", handle.value);
      ["min", "now", "max"].forEach((name, j) => knob.node.setAttribute(`aria-value${name}`, handle.range[j]));
      knob.node.hidden = !handle.inside;
    });
  }

  function build(handles) {
    const focused = knobs.findIndex(knob => knob.node === document.activeElement);
    overlay.replaceChildren();
    const zones = new Map(); // one for each axes
    knobs = handles.map((handle, index) => {
      const where = handle.box.join();
      if (!zones.has(where)) zones.set(where, make(overlay, "div", "pgedu-zone"));
      const zone = zones.get(where), both = handle.along.length > 1;
      const kind = both ? "xy" : handle.along;
      zone.classList.add(`pgedu-along-${kind}`);
      return { handle, zone, label: handle.label, node: null, kind, index };
    });
    for (const knob of knobs) {
      knob.node = make(overlay, "div", `pgedu-knob pgedu-along-${knob.kind}`, {
        role: "slider", tabindex: 0, "aria-label": knob.label,
        title: `drag, or use the arrow keys: ${knob.label}`,
        ...(knob.kind === "xy" ? { "aria-roledescription": "point" }
                               : { "aria-orientation": knob.kind === "x" ? "horizontal" : "vertical" }),
      });
      if (knob.handle.on_marker) knob.node.classList.add("pgedu-ring");
      knob.node.addEventListener("keydown", event => key(event, knob));
      listen(knob.node, () => knob);
    }
    for (const zone of zones.values()) listen(zone, event => nearest(event, knobs.filter(knob => knob.zone === zone)));
    if (focused >= 0) knobs[focused]?.node.focus();
  }

  function fractions(event) {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  function nearest(event, candidates) {
    const [x, y] = fractions(event), box = stage.getBoundingClientRect();
    const distance = ({ handle, kind }) => {
      const dx = (handle.at[0] - x) * box.width, dy = (handle.at[1] - y) * box.height;
      return handle.on_marker || kind === "xy" ? Math.hypot(dx, dy) : Math.abs(kind === "x" ? dx : dy);
    };
    return candidates.reduce((best, knob) => (distance(knob) < distance(best) ? knob : best));
  }

  function listen(node, choose) {
    let held = null, offset = [0, 0];
    const move = event => {
      const [x, y] = fractions(event);
      want({ handle: held.index, at: [x - offset[0], y - offset[1]] });
    };
    node.addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      held = choose(event);
      const [x, y] = fractions(event), onKnob = node === held.node;
      offset = onKnob ? [x - held.handle.at[0], y - held.handle.at[1]] : [0, 0]; // a knob does not jump when it is touched
      node.setPointerCapture(event.pointerId);
      frame.classList.add("pgedu-held");
      held.node.focus({ preventScroll: true });
      event.preventDefault();
      if (!onKnob) move(event);
    });
    node.addEventListener("pointermove", event => held && move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      node.addEventListener(end, () => { held = null; frame.classList.remove("pgedu-held"); });
  }

  const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  function key(event, knob) {
    const one = knob.kind !== "xy";
    let steps = KEYS[event.key];
    if (event.key === "PageUp" || event.key === "PageDown") steps = one ? [10, 0] : [0, 10];
    if (event.key === "PageDown") steps = steps.map(n => -n);
    if (event.key === "Home") steps = [-1e9, one ? 0 : -1e9];
    if (event.key === "End") steps = [1e9, one ? 0 : 1e9];
    if (!steps || event.ctrlKey || event.metaKey || event.altKey) return;
    if (one) steps = [steps[0] + steps[1], 0]; // with a single control all arrow keys move it
    event.preventDefault();
    event.stopPropagation(); // the notebook has uses of its own for these
    want({ handle: knob.index, steps });
  }

  // ---- who looks, and on what screen -------------------------------------------------------------------------------

  let pixels = 0, timer = null;
  function fit() {
    const wide = Math.round(canvas.getBoundingClientRect().width * devicePixelRatio);
    if (wide > 0 && wide !== pixels) say("size", { pixels: (pixels = wide) });
  }
  const onSize = () => { clearTimeout(timer); timer = setTimeout(fit, pixels ? SETTLED : 0); };
  const sizes = new ResizeObserver(onSize);
  let seen = null;
  function look() {
    if (frame.isConnected) tellers.watch(frame.closest(".pgedu-live"));
    const now = !document.hidden && frame.isConnected && frame.getClientRects().length > 0;
    if (now !== seen) say("seen", { seen: (seen = now) });
    if (now) onSize();
  }
  const sights = new IntersectionObserver(look); // also tells when a tab of the page hides the notebook
  const natural = () => { canvas.style.width = `${model.get("width")}px`; };

  const tellers = controls();
  natural();
  sizes.observe(canvas);
  sights.observe(frame);
  document.addEventListener("visibilitychange", look);
  addEventListener("resize", onSize); // another zoom or screen
  model.on("change:number", paint);
  model.on("change:width", natural);
  // Lab and Notebook take the arrow keys for themselves, unless the element that has them asks to be left alone.
  const keep = ({ target }) => {
    if (target.closest(".pgedu-live")?.contains(frame)) target.dataset.lmSuppressShortcuts = "true";
  };
  document.addEventListener("focusin", keep);
  say("hello");
  paint().then(look);

  return () => {
    clearTimeout(timer);
    clearTimeout(telling);
    sizes.disconnect();
    sights.disconnect();
    tellers.disconnect();
    document.removeEventListener("focusin", keep);
    document.removeEventListener("visibilitychange", look);
    removeEventListener("resize", onSize);
    model.off("change:number", paint);
    model.off("change:width", natural);
    say("gone");
  };
}

export default { render };
