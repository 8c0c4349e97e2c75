import { Suspense, useEffect } from "react";
import { lazily } from "../ui/lazily";
import type { Me } from "../api/types";
import { Console, type Place } from "../ui/Console";
import { Loading } from "../ui/parts";
import { match, navigate, useLocation } from "../ui/router";
import { Articles } from "./Articles";
import { Editor } from "./Editor";

const Actions = lazily(() => import("./Actions").then((m) => ({ default: m.Actions })));
const Customers = lazily(() => import("./Customers").then((m) => ({ default: m.Customers })));
const Gaps = lazily(() => import("./Gaps").then((m) => ({ default: m.Gaps })));
const Health = lazily(() => import("./Health").then((m) => ({ default: m.Health })));
const Metrics = lazily(() => import("./Metrics").then((m) => ({ default: m.Metrics })));
const Onboarding = lazily(() => import("./Onboarding").then((m) => ({ default: m.Onboarding })));
const Promises = lazily(() => import("./Promises").then((m) => ({ default: m.Promises })));
const Procedures = lazily(() => import("./Procedures").then((m) => ({ default: m.Procedures })));
const Record = lazily(() => import("./Record").then((m) => ({ default: m.Record })));
const Sources = lazily(() => import("./Sources").then((m) => ({ default: m.Sources })));
const Synonyms = lazily(() => import("./Synonyms").then((m) => ({ default: m.Synonyms })));
const Taxonomy = lazily(() => import("./Taxonomy").then((m) => ({ default: m.Taxonomy })));
const Webhooks = lazily(() => import("./Webhooks").then((m) => ({ default: m.Webhooks })));
const Websites = lazily(() => import("./Websites").then((m) => ({ default: m.Websites })));
const Questions = lazily(() => import("./Questions").then((m) => ({ default: m.Questions })));
const Test = lazily(() => import("./Test").then((m) => ({ default: m.Test })));

const places: Place[] = [
  { href: "/admin/articles", icon: "book", name: "Articles" },
  { href: "/admin/websites", icon: "file", name: "Websites and files" },
  { href: "/admin/test", icon: "flask", name: "Test a question" },
  { href: "/admin/questions", icon: "check", name: "Kept questions" },
  { href: "/admin/health", icon: "warn", name: "Health" },
  { href: "/admin/gaps", icon: "gap", name: "Gaps" },
  { href: "/admin/synonyms", icon: "swap", name: "Synonyms" },
  { href: "/admin/taxonomy", icon: "tag", name: "Taxonomy" },
  { href: "/admin/customers", icon: "person", name: "Customers" },
  { href: "/admin/onboarding", icon: "road", name: "Onboarding" },
  { href: "/admin/procedures", icon: "list", name: "Procedures" },
  { href: "/admin/actions", icon: "truck", name: "Actions" },
  { href: "/admin/sources", icon: "save", name: "Sources" },
  { href: "/admin/promises", icon: "clock", name: "Promised times" },
  { href: "/admin/webhooks", icon: "out", name: "Webhooks" },
  { href: "/admin/metrics", icon: "chart", name: "Metrics" },
  { href: "/agent", icon: "inbox", name: "Tickets" },
];

const curates = (me: Me) => me.roles.some((r) => r === "curator" || r === "admin" || r === "lead");

/** The curator screens. */
export function App() {
  const { path } = useLocation();
  return (
    <Console title="Knowledge" places={places} allowed={curates}>
      {() => (
        <Suspense
          fallback={
            <div className="console-page">
              <Loading label="Loading…" />
            </div>
          }
        >
          <Routes path={path} />
        </Suspense>
      )}
    </Console>
  );
}

function Routes({ path }: { path: string }) {
  const start = path === "/admin" || path === "/admin/";
  useEffect(() => {
    if (start) navigate("/admin/articles", { replace: true });
  }, [start]);
  if (start || match("/admin/articles", path)) return <Articles />;
  if (match("/admin/articles/new", path)) return <Editor key="new" />;
  const article = match("/admin/articles/:id", path);
  if (article?.id) return <Editor key={article.id} id={article.id} />;
  if (match("/admin/test", path)) return <Test />;
  if (match("/admin/questions", path)) return <Questions />;
  if (match("/admin/health", path)) return <Health />;
  if (match("/admin/gaps", path)) return <Gaps />;
  if (match("/admin/synonyms", path)) return <Synonyms />;
  if (match("/admin/taxonomy", path)) return <Taxonomy />;
  if (match("/admin/customers", path)) return <Customers />;
  const customer = match("/admin/customers/:tenant", path);
  if (customer?.tenant) return <Record key={customer.tenant} tenant={customer.tenant} />;
  if (match("/admin/onboarding", path)) return <Onboarding />;
  if (match("/admin/procedures", path)) return <Procedures />;
  if (match("/admin/actions", path)) return <Actions />;
  if (match("/admin/sources", path)) return <Sources />;
  if (match("/admin/websites", path)) return <Websites />;
  if (match("/admin/promises", path)) return <Promises />;
  if (match("/admin/webhooks", path)) return <Webhooks />;
  if (match("/admin/metrics", path)) return <Metrics />;
  return (
    <div className="console-page">
      <h1>We could not find that page</h1>
      <p>It may have been moved or removed.</p>
    </div>
  );
}
