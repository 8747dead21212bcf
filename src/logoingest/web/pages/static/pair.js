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

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  const onButton = event.target.closest("button, a");
  if (event.key === "f" || (event.key === " " && !onButton)) flick();
  else if (event.key === "s") show("beside");
  else if (event.key === "x") show("difference");
  else return;
  event.preventDefault();
});
