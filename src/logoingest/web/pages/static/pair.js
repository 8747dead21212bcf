"use strict";
const pair = document.getElementById("pair");
const buttons = [...document.querySelectorAll("button[data-view]")];

function show(view) {
  pair.className = `pair ${view}`;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === view));
}

function flick() {
  if (!pair.classList.contains("flicker")) show("flicker");
  else pair.classList.toggle("second");
}

document.querySelector('[role="group"]').addEventListener("click", (event) => {
  const button = event.target.closest("button[data-view]");
  if (!button) return;
  if (button.dataset.view === "flicker") flick();
  else show(button.dataset.view);
});

// -- deciding: the queue's desk takes it -----------------------------------------------------------------------------
const deciding = document.getElementById("decide");
let busy = false;

async function decide(address, text) {
  if (busy) return;
  busy = true;
  await send(address, address === "/queue/undo" ? {} : { key: deciding.dataset.pair, text });
  busy = false;
}

function press(button) {
  if (button.disabled) return;
  if (button.dataset.undo) { decide("/queue/undo"); return; }
  if (!button.dataset.before) { decide("/pair/decide", button.dataset.text); return; }
  const fresh = document.getElementById("prompt").cloneNode(true);
  document.getElementById("prompt").replaceWith(fresh);
  offerClasses(fresh, (text) => decide("/pair/decide", button.dataset.before + text));
}

deciding?.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-key-of]");
  if (button) press(button);
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  const decision = [...deciding?.querySelectorAll("button[data-key-of]") ?? []].find((one) => one.dataset.keyOf === event.key);
  if (decision) {
    if (!event.repeat) press(decision);
    event.preventDefault();
    return;
  }
  const onButton = event.target.closest("button, a");
  if (event.key === "f" || (event.key === " " && !onButton)) flick();
  else if (event.key === "s") show("beside");
  else if (event.key === "x") show("difference");
  else return;
  event.preventDefault();
});
