"use strict";
const picture = document.getElementById("picture");

async function fill(name, address) {
  const html = await load(address);
  document.getElementById(name).innerHTML = html ?? "<p>It could not be found out.</p>";
}

function press(name, show) {
  const button = document.getElementById(name);
  if (button.disabled) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  picture.classList.toggle(show, name === "zoom" ? on : !on);
}

const neighbours = () => fill("neighbours", `/picture/${picture.dataset.id}/neighbours`);
document.getElementById("zoom").addEventListener("click", () => press("zoom", "zoomed"));
document.getElementById("boxes").addEventListener("click", () => press("boxes", "bare"));
document.getElementById("ask-neighbours").addEventListener("click", neighbours);

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (rel && !event.target.closest(".canvas, .scroll")) document.querySelector(`a[rel="${rel}"]`)?.click();
  else if (event.key === "z") press("zoom", "zoomed");
  else if (event.key === "b") press("boxes", "bare");
  else if (event.key === "n") neighbours();
});

fill("votes", `/picture/${picture.dataset.id}/votes`);
