"use strict";
// The gallery: arrows move, Space chooses, Shift chooses from the last one on; what is chosen is marked by one key. More come as one scrolls.
const gallery = document.getElementById("gallery");
const tiles = [...gallery.querySelectorAll("li[data-id]")];
let last = 0;
let busy = false;
const MOST = 900; // as many are marked at once
const nextLink = () => document.querySelector('a[rel="next"]');

const box = (tile) => tile.querySelector("input");
const chosen = () => tiles.filter((tile) => box(tile).checked);

function count() {
  const number = chosen().length;
  document.getElementById("chosen").textContent = number ? `${number} chosen` : "none chosen";
}

function choose(all) {
  for (const tile of tiles) box(tile).checked = all;
  count();
}

function toggle(at, from, state) {
  for (let place = Math.min(at, from); place <= Math.max(at, from); place += 1) box(tiles[place]).checked = state;
  last = at;
  count();
}

async function mark(text) {
  const ids = chosen().map((tile) => tile.dataset.id);
  if (!ids.length) { say("Choose pictures first: Space, or click."); return; }
  if (busy) return;
  busy = true;
  const found = await send("/gallery/mark", { key: ids.join(" "), text });
  busy = false;
  if (found?.is_done) choose(false);
}

const does = {
  class: () => {
    const form = document.getElementById("prompt").cloneNode(true);
    document.getElementById("prompt").replaceWith(form);
    offerClasses(form, mark);
  },
  drop: () => mark("drop"),
  placeholder: () => mark("placeholder"),
  all: () => choose(true),
  none: () => choose(false),
  undo: () => send("/gallery/undo", {}),
};
const keyed = { c: "class", d: "drop", p: "placeholder", a: "all", Escape: "none", u: "undo" };

function act(name) {
  const button = document.querySelector(`button[data-mark="${name}"]`);
  if (!button.disabled) does[name]();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-mark]");
  if (button) act(button.dataset.mark);
});

gallery.addEventListener("click", (event) => {
  const tile = event.target.closest("li[data-id]");
  if (!tile || event.target.tagName !== "INPUT") return;
  const at = tiles.indexOf(tile);
  toggle(at, event.shiftKey ? last : at, box(tile).checked);
});

async function fetchMore() {
  const link = nextLink();
  if (!link || fetchMore.busy || tiles.length >= MOST) return;
  fetchMore.busy = true;
  const text = await load(link.href);
  fetchMore.busy = false;
  if (!text) return;
  const there = new DOMParser().parseFromString(text, "text/html");
  const more = [...there.querySelectorAll("#gallery li[data-id]")];
  gallery.append(...more);
  tiles.push(...more);
  document.getElementById("to").textContent = there.getElementById("to").textContent;
  const later = there.querySelector('a[rel="next"]');
  if (later) link.href = later.getAttribute("href");
  else link.remove();
  watch.unobserve(end); // seen again where the end is still near
  if (later) watch.observe(end);
}

const end = document.getElementById("end");
const watch = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) fetchMore(); }, { rootMargin: "600px" });
watch.observe(end);

function columns() {
  const top = tiles[0]?.offsetTop;
  return Math.max(1, tiles.filter((tile) => tile.offsetTop === top).length);
}

function move(by) {
  const at = tiles.findIndex((tile) => tile.contains(document.activeElement));
  const next = tiles[Math.min(Math.max(at < 0 ? 0 : at + by, 0), tiles.length - 1)];
  if (next) box(next).focus();
}

document.addEventListener("keydown", (event) => {
  const onTile = event.target.closest("#gallery");
  if (!onTile && isTyping(event)) return;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  const page = { PageUp: "prev", PageDown: "next" }[event.key];
  if (event.key in steps) move(steps[event.key]);
  else if (page) document.querySelector(`a[rel="${page}"]`)?.click();
  else if (event.key === "Enter" && onTile && event.target.tagName === "INPUT") location.href = event.target.closest("li").querySelector("a").href;
  else if (event.key in keyed && !event.ctrlKey && !event.metaKey && !event.altKey) act(keyed[event.key]);
  else return;
  event.preventDefault();
});
