// Keeps [data-refresh] as it is now: the API says what changed, and the part is fetched anew, at most twice a second.
// Without the stream it is fetched every few seconds; without any script the page reloads itself.
const PAUSE = 500;
const FALLBACK = 5000;
const READ = 8000;
const part = document.querySelector("[data-refresh]");
const word = document.querySelector("[data-live-word]");
let due = 0;
let polling = 0;

function busy() {
  const at = document.activeElement;
  return document.hidden || (part.contains(at) && at.matches("input, textarea, select"));
}

function refresh() {
  if (due) return;
  due = setTimeout(() => {
    due = 0;
    if (busy()) refresh();
    else {
      // What was said of a form that was sent is old news by then.
      if (performance.now() > READ) document.querySelector("main > .notice.good")?.remove();
      htmx.trigger(part, "changed");
    }
  }, PAUSE);
}

function say(state, text) {
  document.querySelector("[data-live]")?.setAttribute("data-live", state);
  if (word) word.textContent = text;
}

function listen() {
  const stream = new EventSource("/v1/events");
  const changed = (event) => {
    const only = part.dataset.refresh;
    if (!only || event.data.includes(only)) refresh();
  };
  stream.addEventListener("open", () => {
    clearInterval(polling);
    polling = 0;
    say("on", "live");
    refresh();
  });
  for (const kind of ["workflow", "stage"]) stream.addEventListener(kind, changed);
  stream.addEventListener("error", () => {
    say("off", "every 5 seconds");
    polling ||= setInterval(refresh, FALLBACK);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 6 * FALLBACK);
  });
}

if (part) listen();
