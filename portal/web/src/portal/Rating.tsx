// How something was settled: asked once below the conversation, or on the page a mail links to. Loaded when it is asked.
import { type FormEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import { ApiError, call } from "../api/client";
import type { Rating as Said } from "../api/types";
import { announce } from "../ui/announce";
import { longDate } from "../ui/format";
import { type Locale, pickLocale, useWords } from "../ui/i18n";
import { Loading } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { stored } from "../ui/theme";
import { NoticePage } from "./pages";

type Texts = {
  ask: string;
  scale: [string, string, string, string, string];
  comment: string;
  send: string;
  help: string;
  choose: string;
  until: string;
  thanks: string;
  said: string;
  helped: string;
  change: string;
  withdraw: string;
  withdrawn: string;
  over: string;
  bad: string;
  cancel: string;
};

const texts: Record<Locale, Texts> = {
  en: {
    ask: "Your request is settled. How did we do?",
    scale: ["Very poor", "Poor", "Okay", "Good", "Very good"],
    comment: "Anything you want to add? (optional)",
    send: "Send",
    help: "Send, and get more help from a person",
    choose: "Choose one of the five answers first.",
    until: "You can change or take back your answer until {date}.",
    thanks: "Thank you for your answer.",
    said: "You said: {score}.",
    helped: "Thank you. A person will look at it again and answer you.",
    change: "Change",
    withdraw: "Take it back",
    withdrawn: "Your answer was taken back. It no longer counts.",
    over: "This question can no longer be answered or changed. If you still need help, write to us: it reaches us too.",
    bad: "This link does not work. Perhaps it was cut off: copy the whole link from the mail. You can also simply answer the mail.",
    cancel: "Cancel",
  },
  de: {
    ask: "Ihre Anfrage ist erledigt. Wie waren wir?",
    scale: ["Sehr schlecht", "Schlecht", "In Ordnung", "Gut", "Sehr gut"],
    comment: "Möchten Sie etwas hinzufügen? (freiwillig)",
    send: "Senden",
    help: "Senden und weitere Hilfe von einem Menschen bekommen",
    choose: "Wählen Sie zuerst eine der fünf Antworten.",
    until: "Sie können Ihre Antwort bis zum {date} ändern oder zurückziehen.",
    thanks: "Danke für Ihre Antwort.",
    said: "Ihre Antwort: {score}.",
    helped: "Danke. Ein Mensch sieht es sich noch einmal an und antwortet Ihnen.",
    change: "Ändern",
    withdraw: "Zurückziehen",
    withdrawn: "Ihre Antwort wurde zurückgezogen. Sie zählt nicht mehr.",
    over: "Diese Frage kann nicht mehr beantwortet oder geändert werden. Wenn Sie noch Hilfe brauchen, schreiben Sie uns: Auch das erreicht uns.",
    bad: "Dieser Link funktioniert nicht. Vielleicht wurde er abgeschnitten: Kopieren Sie den ganzen Link aus der Mail. Sie können auch einfach auf die Mail antworten.",
    cancel: "Abbrechen",
  },
  es: {
    ask: "Su consulta está resuelta. ¿Qué le pareció nuestra ayuda?",
    scale: ["Muy mala", "Mala", "Aceptable", "Buena", "Muy buena"],
    comment: "¿Quiere añadir algo? (opcional)",
    send: "Enviar",
    help: "Enviar y recibir más ayuda de una persona",
    choose: "Elija primero una de las cinco respuestas.",
    until: "Puede cambiar o retirar su respuesta hasta el {date}.",
    thanks: "Gracias por su respuesta.",
    said: "Su respuesta: {score}.",
    helped: "Gracias. Una persona volverá a mirarlo y le responderá.",
    change: "Cambiar",
    withdraw: "Retirarla",
    withdrawn: "Su respuesta se ha retirado. Ya no cuenta.",
    over: "Esta pregunta ya no se puede responder ni cambiar. Si todavía necesita ayuda, escríbanos: también nos llega.",
    bad: "Este enlace no funciona. Quizá se cortó: copie el enlace completo del correo. También puede simplemente responder al correo.",
    cancel: "Cancelar",
  },
  fr: {
    ask: "Votre demande est réglée. Qu’en avez-vous pensé ?",
    scale: ["Très mauvais", "Mauvais", "Correct", "Bon", "Très bon"],
    comment: "Souhaitez-vous ajouter quelque chose ? (facultatif)",
    send: "Envoyer",
    help: "Envoyer et recevoir encore l’aide d’une personne",
    choose: "Choisissez d’abord l’une des cinq réponses.",
    until: "Vous pouvez modifier ou retirer votre réponse jusqu’au {date}.",
    thanks: "Merci pour votre réponse.",
    said: "Votre réponse : {score}.",
    helped: "Merci. Une personne va y regarder à nouveau et vous répondra.",
    change: "Modifier",
    withdraw: "La retirer",
    withdrawn: "Votre réponse a été retirée. Elle ne compte plus.",
    over: "Il n’est plus possible de répondre à cette question ni de changer la réponse. Si vous avez encore besoin d’aide, écrivez-nous : cela nous parvient aussi.",
    bad: "Ce lien ne fonctionne pas. Il a peut-être été coupé : copiez le lien entier depuis le courriel. Vous pouvez aussi simplement répondre au courriel.",
    cancel: "Annuler",
  },
  pt: {
    ask: "O seu pedido está resolvido. O que achou da nossa ajuda?",
    scale: ["Muito má", "Má", "Razoável", "Boa", "Muito boa"],
    comment: "Quer acrescentar alguma coisa? (opcional)",
    send: "Enviar",
    help: "Enviar e receber mais ajuda de uma pessoa",
    choose: "Escolha primeiro uma das cinco respostas.",
    until: "Pode alterar ou retirar a sua resposta até {date}.",
    thanks: "Obrigado pela sua resposta.",
    said: "A sua resposta: {score}.",
    helped: "Obrigado. Uma pessoa vai voltar a ver o assunto e responder-lhe.",
    change: "Alterar",
    withdraw: "Retirar",
    withdrawn: "A sua resposta foi retirada. Já não conta.",
    over: "Esta pergunta já não pode ser respondida nem alterada. Se ainda precisa de ajuda, escreva-nos: também nos chega.",
    bad: "Este link não funciona. Talvez tenha sido cortado: copie o link completo da mensagem. Também pode simplesmente responder à mensagem.",
    cancel: "Cancelar",
  },
};

type Given = { score: number; comment?: string; help?: boolean };
type Ways = { put: (given: Given) => Promise<Said>; take: () => Promise<Said> };

/** Below a conversation: asked, or what was answered. turn changes when there may be news. */
export function RatingCard({ id, turn }: { id: string; turn: number }) {
  const { language } = useWords();
  const [rating, setRating] = useState<Said>();
  const asked = useRef(turn);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a turn says that it is worth reading again
  useEffect(() => {
    const abort = new AbortController();
    call("get", "/v1/conversations/{id}/rating", { params: { id }, signal: abort.signal })
      .then((r) => {
        if (r.state === "asked" && turn > asked.current) announce(texts[language].ask);
        asked.current = turn;
        setRating(r);
      })
      .catch(() => undefined); // the conversation itself works without it
    return () => abort.abort();
  }, [id, turn]);
  const ways: Ways = {
    put: (body) => call("put", "/v1/conversations/{id}/rating", { params: { id }, body }),
    take: () => call("delete", "/v1/conversations/{id}/rating", { params: { id } }),
  };
  if (!rating || rating.state === "none" || (rating.state === "closed" && !rating.score)) return null;
  return (
    <section className="card stack stack-3" aria-label={texts[language].ask}>
      <Form rating={rating} onRating={setRating} ways={ways} words={texts[language]} titled />
    </section>
  );
}

/** The page a mail links to. Opening it rates nothing: the answer is confirmed here. */
export function RatePage({ token }: { token: string }) {
  const { language, t } = useWords();
  const [rating, setRating] = useState<Said>();
  const [problem, setProblem] = useState<unknown>();
  const explain = useProblem();
  useEffect(() => {
    call("get", "/v1/ratings/{token}", { params: { token } }).then(setRating, setProblem);
  }, [token]);
  // The person's language, unless they chose another in this browser.
  const locale = rating?.language && !stored("usher.locale") ? pickLocale([rating.language]) : language;
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  const words = texts[locale];
  const ways: Ways = {
    put: (body) => call("put", "/v1/ratings/{token}", { params: { token }, body }),
    take: () => call("delete", "/v1/ratings/{token}", { params: { token } }),
  };
  const preset = Number(/^#([1-5])$/.exec(location.hash)?.[1]) || undefined;
  return (
    <NoticePage title={words.ask}>
      {problem !== undefined && <p role="alert">{problem instanceof ApiError && problem.status === 404 ? words.bad : explain(problem)}</p>}
      {!rating && problem === undefined && <Loading label={t("loading")} />}
      {rating && <Form rating={rating} onRating={setRating} ways={ways} words={words} preset={preset} locale={locale} />}
    </NoticePage>
  );
}

function Form({ rating, onRating, ways, words: w, preset, titled = false, locale: own }: { rating: Said; onRating: (r: Said) => void; ways: Ways; words: Texts; preset?: number; titled?: boolean; locale?: string }) {
  const { locale, language } = useWords();
  const explain = useProblem();
  const id = useId();
  const [score, setScore] = useState(rating.score ?? preset);
  const [comment, setComment] = useState(rating.comment ?? "");
  const [open, setOpen] = useState(rating.state === "asked");
  const [done, setDone] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const said = useRef<HTMLParagraphElement>(null);

  const carry = useCallback(
    async (work: () => Promise<Said>, message: string, stay: boolean) => {
      setBusy(true);
      setProblem("");
      try {
        onRating(await work());
        setDone(message);
        setOpen(stay);
        announce(message);
        setTimeout(() => said.current?.focus());
      } catch (cause) {
        setProblem(explain(cause));
      }
      setBusy(false);
    },
    [onRating, explain],
  );
  const send = (help: boolean) => {
    if (!score) {
      setProblem(w.choose);
      announce(w.choose);
      return;
    }
    void carry(() => ways.put({ score, comment: comment.trim() || undefined, help: help || undefined }), help ? w.helped : w.thanks, false);
  };
  const until = rating.open_until && w.until.replace("{date}", longDate(rating.open_until, own && own !== language ? own : locale));

  if (rating.state === "closed") return <p>{w.over}</p>;
  if (!open) {
    return (
      <div className="stack stack-2">
        <p ref={said} tabIndex={-1}>
          {done || w.thanks} {rating.score && w.said.replace("{score}", w.scale[rating.score - 1] ?? "")}
        </p>
        <p className="small muted">{until}</p>
        <div className="row">
          <button type="button" className="btn btn-small" onClick={() => setOpen(true)}>
            {w.change}
          </button>
          <button
            type="button"
            className="btn btn-quiet btn-small"
            disabled={busy}
            onClick={() => {
              setScore(undefined);
              setComment("");
              void carry(ways.take, w.withdrawn, true);
            }}
          >
            {w.withdraw}
          </button>
        </div>
        {problem && <p className="field-error">{problem}</p>}
      </div>
    );
  }
  return (
    <form
      className="stack stack-3"
      noValidate
      onSubmit={(e: FormEvent) => {
        e.preventDefault();
        send(false);
      }}
    >
      {done && (
        <p ref={said} tabIndex={-1}>
          {done}
        </p>
      )}
      <fieldset className="rating" aria-describedby={problem ? `${id}-problem` : undefined}>
        <legend className={titled ? undefined : "vh"}>{w.ask}</legend>
        {w.scale.map((word, i) => (
          <label key={word}>
            <input type="radio" name={id} value={i + 1} checked={score === i + 1} onChange={() => setScore(i + 1)} /> <span>{word}</span>
          </label>
        ))}
      </fieldset>
      <div className="field">
        <label htmlFor={`${id}-comment`}>{w.comment}</label>
        <textarea id={`${id}-comment`} className="input" rows={2} dir="auto" maxLength={2000} value={comment} onChange={(e) => setComment(e.target.value)} />
      </div>
      {problem && (
        <p className="field-error" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      <div className="row">
        <button type="submit" className="btn btn-primary" disabled={busy}>
          {w.send}
        </button>
        <button type="button" className="btn" disabled={busy} onClick={() => send(true)}>
          {w.help}
        </button>
        {rating.state === "answered" && (
          <button type="button" className="btn btn-quiet" onClick={() => setOpen(false)}>
            {w.cancel}
          </button>
        )}
      </div>
      <p className="small muted">{until}</p>
    </form>
  );
}
