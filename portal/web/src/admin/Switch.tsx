import { useEffect, useRef, useState } from "react";
import { call } from "../api/client";
import type { Models, Replay } from "../api/types";
import { announce } from "../ui/announce";
import { problemOf } from "../ui/Console";
import { Banner, Field } from "../ui/parts";
import { useLoad } from "../ui/useLoad";
import { Changes } from "./Effect";

type With = "model" | "embedding";

/** A model takes its time: questions are replayed a few at a time, so that one sees them go by. */
const step = 3;

/** What a switch to a configured model would do to the questions customers asked, before an operator switches. */
export function Switch() {
  const load = useLoad<Models>((signal) => call("get", "/v1/admin/models", { signal }), "models", { every: 5_000 });
  const [chosen, setChosen] = useState<With[]>([]);
  const [many, setMany] = useState(10);
  const [replay, setReplay] = useState<Replay>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const left = useRef<AbortController>(undefined);
  useEffect(() => () => left.current?.abort(), []);
  const m = load.data;
  if (!m) return null;
  const ready = m.vectors === "ready" || m.vectors === "active";
  const toggle = (w: With, on: boolean) => setChosen((was) => (on ? [...was, w] : was.filter((x) => x !== w)));
  const build = async () => {
    setProblem("");
    try {
      load.set(await call("post", "/v1/admin/models/vectors", {}));
      announce("The vectors are being built. Search stays as it is.");
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const change = async (act: "use" | "back" | "drop", said: string) => {
    setProblem("");
    try {
      load.set(await call("put", "/v1/admin/models/vectors", { body: { act } }));
      announce(said);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const look = async () => {
    if (busy || chosen.length === 0) return;
    setBusy(true);
    setProblem("");
    const abort = new AbortController();
    left.current = abort;
    const sum: Replay = { asked: 0, changes: [] };
    setReplay({ ...sum });
    try {
      for (let offset = 0; offset < many; offset += step) {
        const limit = Math.min(step, many - offset);
        const part = await call("post", "/v1/admin/replay", { body: { with: chosen, limit, offset }, signal: abort.signal });
        sum.asked += part.asked;
        sum.changes = [...sum.changes, ...part.changes];
        setReplay({ ...sum });
        if (part.asked < limit) break;
      }
      announce(`${sum.changes.length} of ${sum.asked} past questions would change.`);
    } catch (error) {
      if (!abort.signal.aborted) setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="card stack stack-3" aria-labelledby="switch">
      <h2 id="switch">What switching models would change</h2>
      {m.words_only && (
        <Banner tone="warn">{`Search finds articles by their words alone: it uses the vectors of ${m.in_use ?? "a model"}, which the settings no longer name. An operator names it again or restarts Usher, which goes back to a built-in model.`}</Banner>
      )}
      {!m.chat_model && !m.embedding_model ? (
        <p className="small muted">
          No model is configured to compare with. An operator names one with <code>USHER_OPENAI_CHAT_MODEL</code> or <code>USHER_OPENAI_EMBEDDING_MODEL</code>; it answers nobody before <code>USHER_ENGINE</code> is <code>openai</code>.
        </p>
      ) : (
        <>
          <p className="small muted">The latest questions of customers, asked once of the built-in engine and once with what you choose. Nobody notices; what a model uses counts towards the organisations’ daily tokens. {m.engine === "builtin" ? "The built-in engine answers customers now." : "The model answers customers now."}</p>
          {m.chat_model && (
            <label className="row small">
              <input type="checkbox" checked={chosen.includes("model")} onChange={(e) => toggle("model", e.target.checked)} /> <span dir="ltr">{m.chat_model}</span> classifies and writes
            </label>
          )}
          {m.embedding_model && (
            <label className="row small">
              <input type="checkbox" disabled={!ready} checked={ready && chosen.includes("embedding")} onChange={(e) => toggle("embedding", e.target.checked)} /> Search with vectors of <span dir="ltr">{m.embedding_model}</span>
              {m.vectors === "active" && " (in use now)"}
            </label>
          )}
          {m.vectors === "missing" && (
            <p className="row">
              <button type="button" className="btn btn-small" onClick={() => void build()}>
                Build its vectors
              </button>
              <span className="small muted">Beside those in use; search stays as it is, and a switch later takes them over. {takes(m)}</span>
            </p>
          )}
          {m.vectors === "building" && (
            <p className="small" role="status">
              {m.chunks_done} of {m.chunks_total} passages have a vector{m.seconds_left ? `, about ${span(m.seconds_left)} left` : ""}. {spent(m)}
            </p>
          )}
          {ready && (
            <p className="row">
              {m.vectors === "ready" && m.engine !== "builtin" && (
                <button type="button" className="btn btn-small" onClick={() => void change("use", "Search uses the new vectors now.")}>
                  Search with it from now on
                </button>
              )}
              {m.vectors === "active" && m.previous && (
                <button type="button" className="btn btn-small" onClick={() => void change("back", "Search is back with the vectors it had before.")}>
                  Go back to {m.previous}
                </button>
              )}
              {m.vectors === "ready" && (
                <button type="button" className="btn btn-small" onClick={() => void change("drop", "The vectors are deleted.")}>
                  Delete its vectors
                </button>
              )}
              <span className="small muted">
                {m.held && "Somebody went back from it; it takes over again only when somebody says so here. "}
                {spent(m)}
              </span>
            </p>
          )}
          {m.vectors === "building" && m.problem && <Banner tone="warn">{`The last try failed and is repeated: ${m.problem}`}</Banner>}
          <Field label="How many questions">
            {(p) => (
              <select {...p} className="input" value={many} onChange={(e) => setMany(Number(e.target.value))}>
                {[10, 25, 50, 100].map((n) => (
                  <option key={n} value={n}>
                    The last {n}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <p>
            <button type="button" className="btn" aria-disabled={busy || chosen.length === 0 || undefined} onClick={() => void look()}>
              {busy && <span className="spin" aria-hidden="true" />} Show what would change
            </button>
          </p>
        </>
      )}
      {problem && (
        <Banner tone="bad" role="alert">
          {problem}
        </Banner>
      )}
      {replay && (busy ? <p className="small muted">{replay.asked} questions asked so far…</p> : <Changes replay={replay} />)}
    </section>
  );
}

const tokens = (n: number) => `about ${n.toLocaleString("en")} tokens`;
const dollars = (usd?: number) => (usd === undefined ? "" : `, ${usd < 0.01 ? "less than a cent" : `$${usd.toFixed(2)}`}`);

/** What all vectors take, before any is made. */
function takes(m: Models): string {
  return m.tokens_total ? `They take ${tokens(m.tokens_total)}${dollars(m.cost_total_usd)}.` : "";
}

/** What the vectors have cost so far, of what all of them take. */
function spent(m: Models): string {
  return m.tokens ? `Its vectors took ${tokens(m.tokens)}${dollars(m.cost_usd)}${m.vectors === "building" && m.tokens_total ? `, of ${tokens(m.tokens_total)}${dollars(m.cost_total_usd)} in all` : ""}.` : "";
}

function span(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? "a minute" : minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
