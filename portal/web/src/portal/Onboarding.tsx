import { useWords } from "../ui/i18n";
import { usePage } from "../ui/router";

export function Onboarding(_: { onAsk: (question: string) => void }) {
  const { t } = useWords();
  const heading = usePage(t("onboarding_title"), t("brand"));
  return <div className="page"><h1 ref={heading} tabIndex={-1}>{t("onboarding_title")}</h1></div>;
}
export function Documents() {
  const { t } = useWords();
  const heading = usePage(t("documents_title"), t("brand"));
  return <div className="page"><h1 ref={heading} tabIndex={-1}>{t("documents_title")}</h1></div>;
}
