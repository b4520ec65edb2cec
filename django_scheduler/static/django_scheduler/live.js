// A run that goes on is shown as it goes on: the page is fetched again and its parts are replaced.
// Without this file the page shows the moment at which it was loaded.
(function () {
  "use strict";

  const INTERVAL = 2000;
  const PART = "data-sched-part";

  function parts(page) {
    const found = new Map();
    for (const element of page.querySelectorAll("[" + PART + "]")) {
      found.set(element.getAttribute(PART), element);
    }
    return found;
  }

  // Somebody types a reason, or has the button under the finger: leave that part alone.
  function isInUse(element) {
    const active = document.activeElement;
    return active.matches("input, textarea, select, button") && element.contains(active);
  }

  function keepFolds(old, fresh) {
    const open = new Map();
    for (const fold of old.querySelectorAll("details[id]")) {
      open.set(fold.id, fold.open);
    }
    for (const fold of fresh.querySelectorAll("details[id]")) {
      if (open.has(fold.id)) {
        fold.open = open.get(fold.id);
      }
    }
  }

  function replace(fresh) {
    for (const [name, old] of parts(document)) {
      const now = fresh.get(name);
      if (now === undefined || isInUse(old) || now.isEqualNode(old)) {
        continue;
      }
      const active = document.activeElement;
      const fold = old.contains(active) && active.closest("details[id]");
      keepFolds(old, now);
      old.replaceWith(document.adoptNode(now));
      if (fold) {
        const summary = document.querySelector("#" + fold.id + " > summary");
        if (summary !== null) {
          summary.focus({ preventScroll: true });
        }
      }
    }
  }

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(window.location.href, { credentials: "same-origin" });
        if (answer.ok && !answer.redirected) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          replace(parts(page));
        }
      } catch (error) {
        // The server is away for a moment: the next look will tell.
      }
    }
    goOn();
  }

  function goOn() {
    if (document.querySelector("[data-sched-live]") !== null) {
      window.setTimeout(look, INTERVAL);
    }
  }

  document.addEventListener("DOMContentLoaded", goOn);
})();
