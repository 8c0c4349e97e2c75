import { longDate } from "../ui/format";
import { useWords } from "../ui/i18n";
import { Item, Section } from "./Section";
import { useOnboardingWords } from "./onboardingWords";
import type { View } from "./view";

/** What is out for signature, and who has signed. */
export function Signatures({ view }: { view: View }) {
  const { locale } = useWords();
  const { o, state } = useOnboardingWords();
  if (view.signatures.length === 0) return null;
  return (
    <Section id="signatures" title={o("signatures")} count={view.signatures.length}>
      {view.signatures.map((e) => (
        <Item key={e.id} name={e.title} state={e.state}>
          {e.signers.map((s) => `${s.name}: ${state(s.state)}`).join(" · ")}
          {e.expires_on && e.state !== "completed" && <> · {o("expires", { date: longDate(e.expires_on, locale) })}</>}
        </Item>
      ))}
    </Section>
  );
}
