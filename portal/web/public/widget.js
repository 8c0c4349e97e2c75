// The chat for another page of the same site:
//   <script src="https://support.example/widget.js" data-label="Help" async></script>
// It adds one button; the chat itself runs in a frame of its own and shares
// nothing with the page. The session is a same-site cookie, so the page must be
// served from the same registrable domain, and its origin be allowed to frame.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || document.querySelector("[data-usher-widget]")) return;
  const origin = new URL(script.src).origin;
  const label = script.dataset.label || "Help";
  const host = document.createElement("div");
  host.dataset.usherWidget = "";
  const root = host.attachShadow({ mode: "open" });

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; }
    button { position: fixed; inset-block-end: 1.25rem; inset-inline-end: 1.25rem; z-index: 2147483000; min-block-size: 3rem; padding: 0 1.25rem;
      border: 2px solid #fff; border-radius: 99px; background: #6b2346; color: #fff; font: 600 1rem/1 system-ui, sans-serif; cursor: pointer; box-shadow: 0 4px 20px rgb(0 0 0 / 25%); }
    button:focus-visible { outline: 3px solid #1f5fbf; outline-offset: 2px; }
    iframe { position: fixed; inset-block-end: 5rem; inset-inline-end: 1.25rem; z-index: 2147483000; inline-size: min(24rem, calc(100vw - 1.5rem)); block-size: min(40rem, calc(100dvh - 6.5rem));
      border: 1px solid #8c7f86; border-radius: 14px; background: Canvas; box-shadow: 0 12px 48px rgb(0 0 0 / 30%); }
    @media (max-width: 30rem) { iframe { inset: 0; inline-size: 100%; block-size: 100%; border: 0; border-radius: 0; } }
    [hidden] { display: none; }
  `);
  root.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-expanded", "false");
  root.append(button);
  let frame;

  const show = (open) => {
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = label;
      frame.src = origin + "/embed";
      root.append(frame);
    }
    if (frame) frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus();
    else button.focus();
  };
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  window.addEventListener("message", (event) => {
    if (frame && event.source === frame.contentWindow && event.origin === origin && event.data && event.data.usher === "close") show(false);
  });
  document.body.append(host);
})();
