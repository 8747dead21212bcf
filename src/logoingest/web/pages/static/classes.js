"use strict";
// A box to type a class into: what is found is listed with every letter, arrows choose, Enter takes it.
function offerClasses(form, take, look) {
  const typed = form.querySelector("input");
  const list = form.querySelector("ul");
  const items = () => [...list.children];
  const picked = () => items().findIndex((item) => item.getAttribute("aria-selected") === "true");

  function select(number) {
    items().forEach((item, at) => item.setAttribute("aria-selected", String(at === number)));
    const item = items()[number];
    if (!item) { typed.removeAttribute("aria-activedescendant"); return; }
    typed.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
    look?.(item.dataset.classId);
  }

  async function search() {
    const asked = typed.value;
    if (!form.dataset.kind.startsWith("class")) { list.replaceChildren(); typed.setAttribute("aria-expanded", "false"); return; }
    const text = await load(`/queue/search?text=${encodeURIComponent(asked)}`);
    if (text === null || asked !== typed.value) return;
    list.replaceChildren(...JSON.parse(text).map((one, number) => {
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      item.id = `found-${number}`;
      item.dataset.classId = one.class_id;
      item.dir = "auto";
      item.textContent = one.name === one.class_id ? one.name : `${one.name} (${one.class_id})`;
      item.setAttribute("aria-selected", "false");
      return item;
    }));
    typed.setAttribute("aria-expanded", String(list.children.length > 0));
    if (asked && list.children.length && form.dataset.kind === "class") select(0);
  }

  function finish(text) {
    typed.blur(); // hidden, it would keep the keys to itself until the page is drawn
    form.hidden = true;
    if (text) take(text);
  }

  typed.addEventListener("input", () => { clearTimeout(search.timer); search.timer = setTimeout(search, 60); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    finish(items()[picked()]?.dataset.classId ?? typed.value.trim());
  });
  list.addEventListener("click", (event) => finish(event.target.closest("li")?.dataset.classId));
  typed.addEventListener("keydown", (event) => {
    const count = list.children.length;
    if (event.key === "Escape") finish("");
    else if (event.key === "ArrowDown" && count) select((picked() + 1) % count);
    else if (event.key === "ArrowUp" && count) select((picked() - 1 + count) % count);
    else return;
    event.preventDefault();
  });
  form.hidden = false;
  typed.value = "";
  typed.focus();
  search();
}
