import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { loadWords, pickLocale } from "../ui/i18n";
import { stored } from "../ui/theme";
import "../ui/tokens.css";
import "../ui/base.css";
import "./portal.css";
import { App } from "./App";

const root = document.getElementById("root");
if (root) {
  const first = await loadWords(pickLocale([stored("usher.locale"), ...navigator.languages]));
  createRoot(root).render(
    <StrictMode>
      <App first={first} />
    </StrictMode>,
  );
}
