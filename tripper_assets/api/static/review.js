// The review page by keyboard, and what is ticked; everything here has a link or a form beside it that works without a script.
const items = () => [...document.querySelectorAll("[data-item]")];
const current = () => document.activeElement?.closest?.("[data-item]");
const summary = (item) => item?.querySelector("summary");
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");

function move(step) {
  const all = items();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
  summary(next)?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function focusWhenThere(item, selector, tries = 40) {
  const found = item.querySelector(selector);
  if (found) found.focus();
  else if (tries) setTimeout(() => focusWhenThere(item, selector, tries - 1), 50);
}

function reject() {
  const item = current();
  if (!item) {
    document.querySelector("#reason")?.focus();
    return;
  }
  item.querySelector("details").open = true;
  focusWhenThere(item, "[data-reject-reason]");
}

function approve() {
  const button = document.querySelector("[data-approve]");
  button?.scrollIntoView({ block: "center" });
  button?.focus();
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: () => { const one = current()?.querySelector("details"); if (one) one.open = !one.open; },
  x: () => current()?.querySelector(".pick input")?.click(),
  r: reject,
  a: approve,
  s: () => document.querySelector("#some-which")?.focus(),
  n: () => document.querySelector(".pager [rel=next]")?.click(),
  "/": () => document.querySelector("#q")?.focus(),
  "?": () => document.querySelector("#help")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target) && !event.target.closest("dialog")) {
    (summary(current()) ?? document.querySelector("#main")).focus();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) document.querySelector("#help")?.showModal();
});

function countTicked() {
  const told = document.querySelector("[data-selected]");
  if (!told) return;
  const count = document.querySelectorAll("[data-item] .pick input:checked").length;
  told.textContent = count ? `${count} ticked` : "Decide on several at once.";
  document.querySelector("#some")?.classList.toggle("has-some", count > 0);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-page]")) {
    for (const box of document.querySelectorAll("[data-item] .pick input")) box.checked = event.target.checked;
  }
  countTicked();
});
document.addEventListener("htmx:afterSwap", countTicked);

for (const field of document.querySelectorAll("[data-remember]")) {
  const key = `remembered-${field.dataset.remember}`;
  try {
    field.value ||= localStorage.getItem(key) ?? "";
    field.addEventListener("change", () => localStorage.setItem(key, field.value));
  } catch { /* a private window remembers nothing */ }
}

// Who reviews says so once: every form that htmx sends carries the name.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "post") return;
  try {
    const by = localStorage.getItem("remembered-by");
    if (by) event.detail.parameters.by = by;
  } catch { /* as above */ }
});
