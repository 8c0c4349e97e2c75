import { type FormEvent, useEffect, useRef, useState } from "react";
import { call } from "../api/client";
import type { KeptCustomer, QuestionResult, SavedQuestion, TalkLine } from "../api/types";
import { announce } from "../ui/announce";
import { Head, locale, problemOf } from "../ui/Console";
import { words } from "../ui/format";
import { listOf } from "../ui/lists";
import { Markdown } from "../ui/Markdown";
import { Badge, Banner, Field } from "../ui/parts";
import { AsWhom } from "./AsWhom";

type Outcome = NonNullable<KeptCustomer["expect"]["outcomes"]>[number];
type Reply = NonNullable<KeptCustomer["replies"]>[number];
type Manner = NonNullable<KeptCustomer["manner"]>[number];
type Kept = SavedQuestion & { customer: KeptCustomer };

const outcomes: Record<Outcome, string> = {
  answer: "An answer from articles",
  status: "An answer from live records",
  asks: "The assistant asks back",
  not_found: "Nothing is found, and it says so",
  person: "A person takes over",
  alone: "No person is needed, from first to last",
};

const whens: Record<Reply["when"], string> = {
  asks: "asks something",
  answers: "answers",
  not_found: "finds nothing",
  person: "passes on to a person",
  says: "says",
};

const manners: Record<Manner, string> = { greeting: "Greets first", typos: "Mistypes", shouting: "Shouts" };

const languages = ["en", "de", "fr", "es", "pt"];

export const newCustomer = (): SavedQuestion => ({ question: "", expect: "talk", role: "member", locale: "en", customer: { name: "", patience: 1, expect: { outcomes: [] } } });

/** What has to come of a customer's conversation, in a line. */
export function expected({ expect: e }: KeptCustomer): string {
  const parts = e.outcomes?.map((o) => outcomes[o].charAt(0).toLowerCase() + outcomes[o].slice(1)) ?? [];
  if (e.article) parts.push(`cites ${e.article}`);
  if (e.intent) parts.push(`is about ${e.intent}`);
  if (e.says?.length) parts.push(`says ${e.says.join(", ")}`);
  if (e.never?.length) parts.push(`never says ${e.never.join(", ")}`);
  if (e.within) parts.push(e.within === 1 ? "with the first message" : `within ${e.within} messages`);
  return parts.join(" · ");
}

/** A conversation nobody had. */
export function Transcript({ lines }: { lines: TalkLine[] }) {
  return (
    <ol className="plain-list stack stack-2 small">
      {lines.map((l, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
        <li key={i} dir="auto">
          <b>{l.who === "customer" ? "Customer:" : "Assistant:"}</b>{" "}
          {l.who === "customer" ? (
            l.text
          ) : (
            <>
              {l.kind && <Badge tone={l.kind === "escalate" ? "info" : "plain"}>{l.kind === "escalate" ? "Passed to a person" : words(l.kind)}</Badge>}
              {l.reason && <span className="muted"> {words(l.reason)}</span>}
              {l.text && <Markdown text={l.text} headingBase={4} />}
            </>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Makes up a customer: who they are, what they say, what has to come of it; and lets them talk before they are kept. */
export function Customer({ question, onClose }: { question: Kept; onClose: () => void }) {
  const [q, setQ] = useState(question);
  const [then, setThen] = useState((question.customer.then ?? []).join("\n"));
  const [says, setSays] = useState((question.customer.expect.says ?? []).join(", "));
  const [never, setNever] = useState((question.customer.expect.never ?? []).join(", "));
  const [result, setResult] = useState<QuestionResult>();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const shown = useRef<HTMLElement>(null);
  useEffect(() => {
    if (result) shown.current?.scrollIntoView({ block: "nearest" });
  }, [result]);
  const c = q.customer;
  const e = c.expect;
  const set = (part: Partial<SavedQuestion>) => setQ((was) => ({ ...was, ...part, customer: part.customer ?? was.customer }));
  const change = (part: Partial<KeptCustomer>) => setQ((was) => ({ ...was, customer: { ...was.customer, ...part } }));
  const expect = (part: Partial<KeptCustomer["expect"]>) => change({ expect: { ...e, ...part } });
  const replies = c.replies ?? [];
  const setReply = (at: number, part: Partial<Reply>) => change({ replies: replies.map((r, i) => (i === at ? { ...r, ...part } : r)) });
  const body = (): SavedQuestion => ({
    id: q.id,
    question: q.question.trim(),
    tenant_id: q.tenant_id,
    role: q.role,
    locale: q.locale,
    expect: "talk",
    customer: {
      ...c,
      name: c.name.trim(),
      then: listOf(then, "\n"),
      replies: replies.map((r) => ({ when: r.when, say: r.say.trim(), ...(r.when === "says" && { has: r.has?.trim() }) })),
      expect: { ...e, says: listOf(says), never: listOf(never) },
    },
  });
  const missing = () => {
    if (!c.name.trim()) return "Give the customer a name.";
    if (!q.tenant_id) return "Choose the organisation they belong to.";
    if (!q.question.trim()) return "Write their first message.";
    if (replies.some((r) => !r.say.trim() || (r.when === "says" && !r.has?.trim()))) return "Complete each reply, or remove it.";
    if (!e.outcomes?.length && !e.article && !e.intent && !listOf(says).length && !listOf(never).length) return "Say what has to come of it.";
    return "";
  };
  const act = async (what: (body: SavedQuestion) => Promise<void>) => {
    if (busy) return;
    const lacks = missing();
    setProblem(lacks);
    if (lacks) return;
    setBusy(true);
    try {
      await what(body());
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const attempt = () =>
    act(async (question) => {
      const tried = await call("post", "/v1/admin/questions/try", { body: question });
      setResult(tried);
      announce(tried.passed ? "As expected." : `Not as expected. ${tried.why ?? ""}`);
    });
  const save = (event: FormEvent) => {
    event.preventDefault();
    void act(async (question) => {
      await call("put", "/v1/admin/questions", { body: question });
      announce("Kept.");
      onClose();
    });
  };
  const names = new Intl.DisplayNames([locale], { type: "language" });
  return (
    <div className="console-page">
      <Head title={question.id ? "Edit a customer" : "Make up a customer"} suffix="Knowledge" />
      <form className="stack" noValidate onSubmit={save}>
        <section className="card stack stack-3" aria-labelledby="c-who">
          <h2 id="c-who">Who they are</h2>
          <Field label="Name" hint="What they are after, as you will know them: “Moves a meeting, then wants a person”.">
            {(p) => <input {...p} className="input" required maxLength={200} dir="auto" value={c.name} onChange={(x) => change({ name: x.target.value })} />}
          </Field>
          <div className="fields">
            <AsWhom whom={q} people onChange={set} />
            <Field label="Language">
              {(p) => (
                <select {...p} className="input" value={q.locale} onChange={(x) => set({ locale: x.target.value })}>
                  {languages.map((l) => (
                    <option key={l} value={l}>
                      {names.of(l)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          </div>
        </section>
        <section className="card stack stack-3" aria-labelledby="c-say">
          <h2 id="c-say">What they say</h2>
          <Field label="First message">{(p) => <textarea {...p} className="input" rows={2} required maxLength={2000} dir="auto" value={q.question} onChange={(x) => set({ question: x.target.value })} />}</Field>
          {replies.map((r, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: replies have no other name
            <fieldset key={i} className="fields plain-set">
              <legend className="vh">Reply {i + 1}</legend>
              <Field label="When the assistant">
                {(p) => (
                  <select {...p} className="input" value={r.when} onChange={(x) => setReply(i, { when: x.target.value as Reply["when"] })}>
                    {Object.entries(whens).map(([value, text]) => (
                      <option key={value} value={value}>
                        {text}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
              {r.when === "says" && <Field label="These words">{(p) => <input {...p} className="input" maxLength={200} dir="auto" value={r.has ?? ""} onChange={(x) => setReply(i, { has: x.target.value })} />}</Field>}
              <Field label="They reply">{(p) => <input {...p} className="input" maxLength={2000} dir="auto" value={r.say} onChange={(x) => setReply(i, { say: x.target.value })} />}</Field>
              <p>
                <button type="button" className="btn btn-small btn-quiet" onClick={() => change({ replies: replies.filter((_, at) => at !== i) })}>
                  Remove <span className="vh">reply {i + 1}</span>
                </button>
              </p>
            </fieldset>
          ))}
          <p>
            <button type="button" className="btn btn-small" onClick={() => change({ replies: [...replies, { when: "asks", say: "" }] })}>
              Add a reply
            </button>
          </p>
          <Field label="Then, whatever they hear" hint="One message per line. Replies come first, each once.">
            {(p) => <textarea {...p} className="input" rows={2} dir="auto" value={then} onChange={(x) => setThen(x.target.value)} />}
          </Field>
          <Field label="If they do not get what they want" hint="What they want is what you expect below.">
            {(p) => (
              <select {...p} className="input" value={c.patience ?? 0} onChange={(x) => change({ patience: Number(x.target.value) })}>
                {[0, 1, 2, 3, 4, 5].map((n) => (
                  <option key={n} value={n}>
                    {n === 0 ? "They leave it at that" : `They ask again ${n === 1 ? "once" : `${n} times`}, then for a person`}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Choices legend="How they write" texts={manners} chosen={c.manner ?? []} onChange={(manner) => change({ manner })} />
        </section>
        <section className="card stack stack-3" aria-labelledby="c-expect">
          <h2 id="c-expect">What has to come of it</h2>
          <Choices legend="All of these" texts={outcomes} chosen={e.outcomes ?? []} onChange={(list) => expect({ outcomes: list })} />
          <div className="fields">
            <Field label="Article an answer cites" hint="Its short name in the address; empty: any.">
              {(p) => <input {...p} className="input" dir="ltr" maxLength={200} value={e.article ?? ""} onChange={(x) => expect({ article: x.target.value || undefined })} />}
            </Field>
            <Field label="Within how many messages" hint="Of the customer; empty: all they say.">
              {(p) => <input {...p} className="input" type="number" min={1} max={30} value={e.within ?? ""} onChange={(x) => expect({ within: Number(x.target.value) || undefined })} />}
            </Field>
            <Field label="Must say" hint="In some reply. Separated by commas.">
              {(p) => <input {...p} className="input" dir="auto" value={says} onChange={(x) => setSays(x.target.value)} />}
            </Field>
            <Field label="Must never say" hint="Separated by commas.">
              {(p) => <input {...p} className="input" dir="auto" value={never} onChange={(x) => setNever(x.target.value)} />}
            </Field>
          </div>
        </section>
        {problem && (
          <Banner tone="bad" role="alert">
            {problem}
          </Banner>
        )}
        <p className="row">
          <button type="submit" className="btn btn-primary" aria-disabled={busy || undefined}>
            Keep
          </button>
          <button type="button" className="btn" aria-disabled={busy || undefined} onClick={() => void attempt()}>
            {busy && <span className="spin" aria-hidden="true" />} Let them talk
          </button>
          <button type="button" className="btn btn-quiet" onClick={onClose}>
            Back
          </button>
        </p>
      </form>
      {result && (
        <section ref={shown} className="card stack stack-3" aria-labelledby="c-result">
          <h2 id="c-result">What came of it</h2>
          <p className="row">
            <Badge tone={result.passed ? "ok" : "bad"}>{result.passed ? "As expected" : "Not as expected"}</Badge>
            {result.why && <span>{result.why}</span>}
          </p>
          <Transcript lines={result.transcript ?? []} />
          <p className="tiny muted">Nobody noticed: nothing was sent, and no ticket was opened.</p>
        </section>
      )}
    </div>
  );
}

function Choices<T extends string>({ legend, texts, chosen, onChange }: { legend: string; texts: Record<T, string>; chosen: T[]; onChange: (chosen: T[]) => void }) {
  return (
    <fieldset className="plain-set stack stack-2">
      <legend className="small">{legend}</legend>
      {(Object.keys(texts) as T[]).map((value) => (
        <label key={value} className="row small">
          <input type="checkbox" checked={chosen.includes(value)} onChange={(x) => onChange(x.target.checked ? [...chosen, value] : chosen.filter((v) => v !== value))} /> {texts[value]}
        </label>
      ))}
    </fieldset>
  );
}
