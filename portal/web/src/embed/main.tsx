import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { loadWords, pickLocale } from "../ui/i18n";
import { stored } from "../ui/theme";
import "../ui/tokens.css";
import "../ui/base.css";
import "../portal/portal.css";
import "./embed.css";
import { Embed } from "./Embed";

const root = document.getElementById("root");
if (root) {
  const first = await loadWords(pickLocale([stored("usher.locale"), ...navigator.languages]));
  document.documentElement.lang = first.language;
  createRoot(root).render(
    <StrictMode>
      <Embed words={first} />
    </StrictMode>,
  );
}
