import type { ReactNode } from "react";
import { Badge } from "../ui/parts";
import { Link } from "../ui/router";
import { useOnboardingWords } from "./onboardingWords";
import { tone } from "./tone";

/** A part of the record; answers lead to it by its id. */
export function Section({ id, title, count, empty, more, children }: { id: string; title: string; count: number; empty?: string; more?: string; children: ReactNode }) {
  return (
    <section className="card stack stack-2" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{more ? <Link href={more}>{title}</Link> : title}</h2>
      {count === 0 ? <p className="muted">{empty}</p> : <ul className="items plain-list">{children}</ul>}
    </section>
  );
}

/** A line of it: its name, what there is to say, and its state. */
export function Item({ name, state, children }: { name: ReactNode; state: string; children?: ReactNode }) {
  const words = useOnboardingWords();
  return (
    <li>
      <div className="grow">
        <b dir="auto">{name}</b>
        <div className="small muted">{children}</div>
      </div>
      <Badge tone={tone(state)}>{words.state(state)}</Badge>
    </li>
  );
}
