"use strict";
// Finding by text; and, where the review pages serve this report, links into them. Without it the page is whole.
const wanted = document.getElementById("wanted");
const found = document.getElementById("found");
const pages = [...document.querySelectorAll("details.page")];
const items = pages.map((page) => [page, [...page.querySelectorAll("tbody tr, figure, .list > li")]]);

function filter() {
  const words = wanted.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const has = (item) => {
    const text = item.textContent.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  };
  let count = 0;
  for (const [page, all] of items) {
    let own = 0;
    for (const item of all) {
      item.hidden = words.length > 0 && !has(item);
      if (!item.hidden) own += 1;
    }
    page.hidden = words.length > 0 && !own;
    if (words.length && own) for (const fold of page.querySelectorAll("details.fold")) fold.open = [...fold.querySelectorAll("tbody tr, .list > li")].some((item) => !item.hidden);
    count += own;
  }
  found.textContent = words.length ? `${count.toLocaleString("en")} found` : "";
}

document.getElementById("search").hidden = false;
wanted.addEventListener("input", () => { clearTimeout(filter.timer); filter.timer = setTimeout(filter, 120); });

function link(inner, address) {
  const anchor = document.createElement("a");
  anchor.href = address;
  inner.replaceWith(anchor);
  anchor.append(inner);
}

if (location.protocol !== "file:" && location.pathname === "/report") {
  for (const picture of document.querySelectorAll("img[data-picture]")) link(picture, `/picture/${encodeURIComponent(picture.dataset.picture)}`);
  for (const answer of document.querySelectorAll("code[data-raw]")) link(answer, `/label?raw=${encodeURIComponent(answer.dataset.raw)}`);
  const queue = document.getElementById("queue");
  queue.hidden = false;
  link(queue, "/queue");
}
