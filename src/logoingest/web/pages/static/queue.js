"use strict";
// The queue: a key, a decision. What a key would change is shown before it is pressed: of the first candidate at once, of others on focus.
const card = document.getElementById("card");
const lines = document.getElementById("lines");
const filter = new URLSearchParams(location.search);
let busy = false;

function keys() { return [...lines.querySelectorAll("a[data-key]")]; }
function current() { return card.querySelector("article")?.dataset.key ?? null; }
function place() { return keys().findIndex((line) => line.dataset.key === current()); }

async function open(key, early) {
  if (!key) {
    card.replaceChildren(Object.assign(document.createElement("p"), { textContent: "Nothing is left to decide here." }));
    return;
  }
  for (const line of keys()) line.toggleAttribute("aria-current", false);
  const line = keys().find((one) => one.dataset.key === key);
  line?.setAttribute("aria-current", "true");
  line?.scrollIntoView({ block: "nearest" });
  open.turn = (open.turn ?? 0) + 1;
  const turn = open.turn;
  const html = early ?? await load(nameCard(key));
  if (html === null || turn !== open.turn) return;
  card.innerHTML = html;
  card.focus({ preventScroll: true });
  filter.set("key", key);
  history.replaceState(null, "", `/queue?${filter}`);
  preview(card.querySelector("button.candidate"));
}

// A card that is open already stays as it is: what somebody has begun to type into it, too.
function turnTo(key) {
  if (key !== current()) { open(key); return; }
  open.turn = (open.turn ?? 0) + 1; // another that was asked for is no longer wanted
  card.focus({ preventScroll: true });
}

function nameCard(key) { return `/queue/card?key=${encodeURIComponent(key)}`; }

// The card that most likely comes next is asked for together with the lines.
async function refresh(nextPlace, key) {
  filter.delete("key");
  const likely = keys()[nextPlace + 1]?.dataset.key;
  const early = likely && fetch(nameCard(likely), { headers: { accept: "application/json" } }).then((answer) => (answer.ok ? answer.text() : undefined), () => undefined);
  const html = await load(`/queue/lines?${filter}`);
  if (html === null) return;
  lines.innerHTML = html;
  const all = keys();
  const same = all.find((line) => line.dataset.key === key);
  const next = (same ?? all[Math.min(Math.max(nextPlace, 0), all.length - 1)])?.dataset.key;
  await open(next, next && next === likely ? await early : undefined);
}

async function decide(text) {
  if (!current() || card.dataset.readOnly === "1") return;
  const all = text.startsWith("a ");
  await change(all ? "/queue/accept" : "/queue/decide", { key: current(), text: all ? text.slice(2) : text });
}

// One change at a time, until the page shows what came of it: a key never decides what nobody has seen.
async function change(address, told) {
  if (busy) return;
  busy = true;
  card.setAttribute("aria-busy", "true");
  const [at, key] = [place(), current()];
  const found = await send(address, told);
  if (found?.is_done) await refresh(at, key);
  card.removeAttribute("aria-busy");
  busy = false;
}

const undo = () => change("/queue/undo", {});

async function write() {
  const count = Number(document.getElementById("counts")?.dataset.decided ?? 0);
  if (!count || !window.confirm(`Write ${count} decisions into the class map and the rulings?`)) return;
  const found = await send("/queue/write", {});
  if (found?.html) {
    card.innerHTML = found.html;
    lines.replaceChildren();
    card.focus();
  }
}

async function takeBack() {
  if (!window.confirm("Take back what you wrote last? Its decisions are in your session again.")) return;
  const found = await send("/written/undo", { text: "queue" });
  if (found?.is_done) location.reload();
}

function preview(button) {
  const text = typeof button === "string" ? button : button?.dataset.text;
  const target = document.getElementById("preview");
  if (!target || !text || text === "skip" || text.startsWith("a ") || text.startsWith("x ")) return;
  clearTimeout(preview.timer);
  const key = current();
  const timer = preview.timer = setTimeout(async () => {
    // What is settled and written at once; then what else would change, which takes longer.
    for (const [address, id] of [["/queue/preview", "preview"], ["/queue/effects", "effects"]]) {
      if (!document.getElementById(id)) return;
      let answer;
      do {
        answer = await fetch(address, {
          method: "POST",
          headers: { "content-type": "application/json", "x-csrf-token": csrf, accept: "application/json, text/html" },
          body: JSON.stringify({ key, text }),
        }).catch(() => null);
        if (!answer || key !== current() || timer !== preview.timer) return;
        if (answer.status === 202) await new Promise((go) => { setTimeout(go, 300); });
      } while (answer.status === 202); // it is still looked for
      const said = answer.ok ? await answer.text() : (await answer.json().catch(() => ({ message: "" }))).message;
      const shown = document.getElementById(id);
      if (!shown || key !== current() || timer !== preview.timer) return;
      if (answer.ok) shown.innerHTML = said;
      else shown.textContent = said;
    }
  }, 200);
}

// -- a key that needs a text ----------------------------------------------------------------------------------------
function ask(button) {
  const form = document.getElementById("prompt").cloneNode(true);
  document.getElementById("prompt").replaceWith(form);
  const before = button.dataset.before;
  form.dataset.kind = button.dataset.prompt;
  form.querySelector("label").textContent = `${button.textContent.trim().slice(1).trim()}: ${button.dataset.prompt}`;
  offerClasses(form, (text) => decide(before + text), (classId) => preview(before + classId));
}

card.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-key-of]");
  if (button) press(button);
});

for (const kind of ["focusin", "pointerover"]) {
  card.addEventListener(kind, (event) => preview(event.target.closest("button[data-text]")));
}

function press(button) {
  if (button.disabled) return;
  if (button.dataset.prompt) ask(button);
  else decide(button.dataset.text);
}

// -- keys ---------------------------------------------------------------------------------------------------------------
lines.addEventListener("click", (event) => {
  const line = event.target.closest("a[data-key]");
  const button = event.target.closest("button[data-do]");
  if (line) { event.preventDefault(); turnTo(line.dataset.key); }
  else if (button) ({ undo, write })[button.dataset.do]();
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  const all = keys();
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && all.length) turnTo(all[Math.min(Math.max(place() + by, 0), all.length - 1)].dataset.key);
  else if (event.key === "u") undo();
  else if (event.key === "U") takeBack();
  else if (event.key === "q") write();
  else if (event.key === "?") document.getElementById("help").open = !document.getElementById("help").open;
  else {
    const button = [...card.querySelectorAll("button[data-key-of]")].find((one) => one.dataset.keyOf === event.key);
    if (!button || event.repeat) return;
    press(button);
  }
  event.preventDefault();
});

open(filter.get("key") ?? keys()[0]?.dataset.key);
