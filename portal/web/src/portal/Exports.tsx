import { ExportForm } from "../ui/ExportForm";
import { useWords } from "../ui/i18n";
import { Icon } from "../ui/Icon";
import { Empty } from "../ui/parts";
import { useProblem } from "../ui/problem";
import { Link, usePage } from "../ui/router";
import { useExportWords } from "./exportWords";
import { useSession } from "./session";

/** Whether a person may take their organisation's data along. */
const mayExport = (roles: readonly string[]) => roles.includes("admin") || roles.includes("manager");

/** The way to the export page, for whom it is. */
export function ExportLink() {
  const { me } = useSession();
  const words = useExportWords();
  if (!mayExport(me.roles)) return null;
  return (
    <Link className="btn btn-small" href="/exports">
      <Icon name="save" /> {words.title}
    </Link>
  );
}

/** The organisation's own data as files. */
export function Exports() {
  const { t, language } = useWords();
  const words = useExportWords();
  const explain = useProblem();
  const { me } = useSession();
  const heading = usePage(words.title, t("brand"));
  return (
    <div className="page page-narrow">
      <h1 ref={heading} tabIndex={-1}>
        {words.title}
      </h1>
      {mayExport(me.roles) ? (
        <>
          <p className="muted">{words.intro}</p>
          <ExportForm base="/v1/exports" words={words} admin={me.roles.includes("admin")} language={language} closeLabel={t("close")} explain={explain} />
        </>
      ) : (
        <Empty icon="lock">{words.refused}</Empty>
      )}
    </div>
  );
}
