"use strict";
// The queue: a key, a decision. What a key would change is shown before it is pressed: of the first candidate at once, of others on focus.
const card = document.getElementById("card");
const lines = document.getElementById("lines");
const filter = new URLSearchParams(location.search);
let busy = 0; // what is shown is not what the next key would decide

function keys() { return [...lines.querySelectorAll("li:not([hidden]) a[data-key]")]; }
function current() { return card.querySelector("article")?.dataset.key ?? null; }
function place() { return keys().findIndex((line) => line.dataset.key === current()); }

async function open(key) {
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
  const known = ahead.get(key);
  const html = known?.html ?? await (known?.asked ?? load(nameCard(key)));
  if (html === null || turn !== open.turn) return;
  show(key, html);
  if (known && performance.now() - known.at > FRESH_MS) renew(key, html);
  lookAhead(key);
}

function show(key, html) {
  card.innerHTML = html;
  card.focus({ preventScroll: true });
  filter.set("key", key);
  clearTimeout(show.timer);
  show.timer = setTimeout(() => history.replaceState(null, "", `/queue?${filter}`), 300);
  preview(card.querySelector("button.candidate"));
}

// A card that is open already stays as it is: what somebody has begun to type into it, too.
function turnTo(key) {
  if (key !== current()) { open(key); return; }
  open.turn = (open.turn ?? 0) + 1; // another that was asked for is no longer wanted
  card.focus({ preventScroll: true });
}

function nameCard(key) { return `/queue/card?key=${encodeURIComponent(key)}`; }
async function fetchCard(key) {
  const answer = await fetch(nameCard(key), { headers: { accept: "application/json" } }).catch(() => null);
  return answer?.ok ? answer.text() : null;
}

// -- the cards that come next -----------------------------------------------------------------------------------------
const AHEAD = 3;
const FRESH_MS = 2000;
const ahead = new Map();

// They are asked for while somebody looks at the one before, with the pictures of the next.
function lookAhead(key) {
  const all = keys().map((line) => line.dataset.key);
  const wanted = all.slice(all.indexOf(key) + 1).slice(0, AHEAD);
  for (const known of ahead.keys()) if (!wanted.includes(known)) ahead.delete(known);
  for (const next of wanted) if (!ahead.has(next)) ahead.set(next, askAhead(next));
  clearTimeout(lookAhead.timer);
  lookAhead.timer = setTimeout(async () => showAhead(await ahead.get(wanted[0])?.asked), 300);
}

function askAhead(key) {
  const asked = { at: performance.now(), html: null };
  asked.asked = fetchCard(key).then((html) => {
    if (html === null) ahead.delete(key);
    asked.html = html;
    return html;
  });
  return asked;
}

function showAhead(html) {
  for (const image of new DOMParser().parseFromString(html ?? "", "text/html").images) new Image().src = image.getAttribute("src");
}

// What others decided since it was asked for is shown, too; what somebody has begun to type stays.
async function renew(key, html) {
  const fresh = await fetchCard(key);
  if (fresh !== null && fresh !== html && key === current() && !busy && document.getElementById("prompt")?.hidden) show(key, fresh);
}

// -- deciding ---------------------------------------------------------------------------------------------------------
// Decided is what the server has written, in the order of the keys. The next card is shown meanwhile; what is not written yet is counted
// beside it, and what could not be written comes back.
const writing = document.getElementById("writing");
const unwritten = new Map(); // key → its line, hidden
let chain = Promise.resolve();
let refused = [];
let turns = 0;

async function decide(text) {
  const key = current();
  if (!key || busy || card.dataset.readOnly === "1") return;
  const [at, all] = [place(), keys()];
  if (text.startsWith("a ")) { change("/queue/accept", { key, text: text.slice(2) }); return; }
  const isLast = at === all.length - 1 && (at > 0 || lines.querySelector("a[rel]")); // what comes next, the server must say
  if (text.startsWith("x ") || at < 0 || isLast) { change("/queue/decide", { key, text }); return; }
  const line = all[at].closest("li");
  line.hidden = true;
  unwritten.set(key, line);
  turns += 1;
  tell();
  chain = chain.then(() => take(key, text));
  await whileBusy(() => open(all[at + 1]?.dataset.key));
}

async function take(key, text) {
  const found = await send("/queue/decide", { key, text });
  if (!found?.is_done) refused.push({ key, line: unwritten.get(key), why: said.textContent });
  unwritten.delete(key);
  tell();
  if (!unwritten.size) settle(refused.length ? 0 : SETTLED_MS);
}

function tell() {
  const count = unwritten.size;
  writing.textContent = count ? `${count} ${count === 1 ? "decision is" : "decisions are"} being written` : "";
}

// The lines are asked for anew when nobody has pressed a key for a moment.
const SETTLED_MS = 300;
function settle(wait_ms) {
  clearTimeout(settle.timer);
  settle.timer = setTimeout(() => { chain = chain.then(catchUp); }, wait_ms);
}

async function catchUp() {
  const before = turns;
  const html = await askLines();
  if (html !== null && before === turns) lines.innerHTML = html;
  else if (html === null) for (const one of refused) one.line.hidden = false;
  else return; // a key was pressed meanwhile: it settles later
  keys().find((line) => line.dataset.key === current())?.setAttribute("aria-current", "true");
  const [first] = refused;
  refused = [];
  if (!first && !current() && keys().length) await whileBusy(() => open(keys()[0].dataset.key));
  if (!first) return;
  say(`Not decided: ${first.why}`);
  if (keys().some((line) => line.dataset.key === first.key)) await whileBusy(() => open(first.key));
}

function askLines() {
  const asked = new URLSearchParams(filter);
  asked.delete("key");
  return load(`/queue/lines?${asked}`);
}

async function whileBusy(act) {
  busy += 1;
  card.setAttribute("aria-busy", "true");
  try { return await act(); } finally {
    busy -= 1;
    if (!busy) card.removeAttribute("aria-busy");
  }
}

// A change of more than one line: a key decides nothing until the page shows what came of it.
async function change(address, told) {
  if (busy) return;
  const [at, key] = [place(), current()];
  await whileBusy(async () => {
    await chain;
    clearTimeout(settle.timer);
    const found = await send(address, told);
    ahead.clear();
    if (found?.is_done) await refresh(at, key);
  });
}

async function refresh(at, key) {
  turns += 1;
  const html = await askLines();
  if (html === null) return;
  lines.innerHTML = html;
  const all = keys();
  const same = all.find((line) => line.dataset.key === key);
  await open((same ?? all[Math.min(Math.max(at, 0), all.length - 1)])?.dataset.key);
}

const undo = () => change("/queue/undo", {});

async function write() {
  if (busy) return;
  await whileBusy(async () => {
    await chain;
    clearTimeout(settle.timer);
    await catchUp();
  });
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

window.addEventListener("beforeunload", (event) => { if (unwritten.size) event.preventDefault(); });
open(filter.get("key") ?? keys()[0]?.dataset.key);
