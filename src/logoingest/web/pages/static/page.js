"use strict";
// What every page needs: sending, saying, fetching a part of a page. Whatever strangers wrote comes escaped from the server.
const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
const said = document.getElementById("said");

function say(text) {
  said.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.textContent = ""; }, 6000);
}

async function send(address, told) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": csrf, accept: "application/json, text/html" },
      body: JSON.stringify(told),
    });
  } catch {
    say("The server does not answer: is logoingest web still running? Nothing was changed.");
    return null;
  }
  if ((answer.headers.get("content-type") ?? "").includes("json")) {
    const found = await answer.json();
    if (found.message) say(found.message);
    return found;
  }
  if (answer.ok) return { html: await answer.text(), is_done: true };
  say((await answer.text()).trim());
  return null;
}

async function load(address) {
  try {
    const answer = await fetch(address, { headers: { accept: "application/json, text/html" } });
    if (answer.status === 202) return ""; // it is still found out
    if (answer.ok) return await answer.text();
    say(answer.headers.get("content-type")?.includes("json") ? (await answer.json()).message : (await answer.text()).trim());
  } catch {
    say("The server does not answer: is logoingest web still running?");
  }
  return null;
}

function isTyping(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]");
}

document.getElementById("name")?.addEventListener("click", async () => {
  const name = window.prompt("Your name; it stands beside what you decide");
  if (name && (await send("/name", { text: name }))?.is_done) location.reload();
});
