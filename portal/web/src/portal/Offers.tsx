import { useEffect, useMemo } from "react";
import { call } from "../api/client";
import type { Passage } from "../api/types";
import { announce } from "../ui/announce";
import { type Locale, useWords } from "../ui/i18n";
import { useLoad } from "../ui/useLoad";
import { byArticle, useSettled } from "./find";

const texts: Record<Locale, { title: string; how: string; found: (n: number) => string }> = {
  en: { title: "These articles may already answer it", how: "They open in a new tab. Your words stay here.", found: (n) => (n === 1 ? "One article may already answer it." : `${n} articles may already answer it.`) },
  de: { title: "Diese Artikel beantworten es vielleicht schon", how: "Sie öffnen sich in einem neuen Tab. Ihre Worte bleiben hier stehen.", found: (n) => (n === 1 ? "Ein Artikel beantwortet es vielleicht schon." : `${n} Artikel beantworten es vielleicht schon.`) },
  es: { title: "Puede que estos artículos ya lo respondan", how: "Se abren en una pestaña nueva. Lo que ha escrito se queda aquí.", found: (n) => (n === 1 ? "Puede que un artículo ya lo responda." : `Puede que ${n} artículos ya lo respondan.`) },
  fr: { title: "Ces articles y répondent peut-être déjà", how: "Ils s’ouvrent dans un nouvel onglet. Ce que vous avez écrit reste ici.", found: (n) => (n === 1 ? "Un article y répond peut-être déjà." : `${n} articles y répondent peut-être déjà.`) },
  pt: { title: "Estes artigos talvez já respondam", how: "Abrem-se num novo separador. O que escreveu fica aqui.", found: (n) => (n === 1 ? "Um artigo talvez já responda." : `${n} artigos talvez já respondam.`) },
};

/** How near a passage has to be before it is worth interrupting somebody who wants a person. */
const near = 0.5;

/** Articles that may answer what somebody is about to ask a person; nothing while there are none. */
export function Offers({ text }: { text: string }) {
  const { language } = useWords();
  const words = texts[language];
  const q = useSettled(text.trim().slice(0, 500), 500);
  const asks = q.split(/\s+/).length > 2;
  const found = useLoad((signal) => (asks ? call("get", "/v1/kb/search", { query: { q, limit: 10 }, signal }) : Promise.resolve({ passages: [] as Passage[] })), `offers ${asks ? q : ""}`);
  const offers = useMemo(() => byArticle((found.data?.passages ?? []).filter((p) => p.score >= near)).slice(0, 3), [found.data]);
  const count = offers.length;
  useEffect(() => {
    if (count) announce(words.found(count));
  }, [count, words]);
  if (!count) return null;
  return (
    <section className="stack stack-2" aria-label={words.title}>
      <b>{words.title}</b>
      <ul className="plain-list stack stack-2">
        {offers.map((p) => (
          <li key={p.article_id} lang={p.language} dir="auto">
            <a href={p.url} target="_blank" rel="noopener">
              {p.title}
            </a>
          </li>
        ))}
      </ul>
      <p className="small muted">{words.how}</p>
    </section>
  );
}
