// Words of the export page, loaded with it; the title is also the link to it.
import type { ExportWords } from "../ui/ExportForm";
import { type Locale, useWords } from "../ui/i18n";

type Page = ExportWords & { title: string; intro: string; refused: string };

const texts: Record<Locale, Page> = {
  en: {
    title: "Export data",
    intro: "Your organisation’s onboarding, tickets and promised times as a file. We keep a note of who took which export, and when.",
    refused: "Only administrators and managers of your organisation can export its data. Ask one of them.",
    what: "What",
    from: "From",
    to: "To",
    open: "Empty: no limit.",
    format: "Format",
    download: "Download",
    working: "Being prepared…",
    saved: (name) => `${name} was handed to your browser.`,
    backwards: "The last day is before the first one.",
    section: { milestones: "Milestones", tasks: "Tasks", documents: "Documents", integrations: "Integrations", tickets: "Tickets", sla: "Promised times, ticket by ticket", sla_attainment: "Promised times, kept in percent", conversations: "Conversations", ratings: "Ratings", audit: "Who did what" },
  },
  de: {
    title: "Daten exportieren",
    intro: "Onboarding, Tickets und zugesagte Zeiten Ihrer Organisation als Datei. Wir halten fest, wer wann welchen Export geholt hat.",
    refused: "Nur Administratorinnen, Administratoren und Führungskräfte Ihrer Organisation können deren Daten exportieren. Bitte wenden Sie sich an eine dieser Personen.",
    what: "Was",
    from: "Von",
    to: "Bis",
    open: "Leer: keine Grenze.",
    format: "Format",
    download: "Herunterladen",
    working: "Wird vorbereitet…",
    saved: (name) => `${name} wurde Ihrem Browser übergeben.`,
    backwards: "Der letzte Tag liegt vor dem ersten.",
    section: { milestones: "Meilensteine", tasks: "Aufgaben", documents: "Dokumente", integrations: "Integrationen", tickets: "Tickets", sla: "Zugesagte Zeiten je Ticket", sla_attainment: "Zugesagte Zeiten, Einhaltung in Prozent", conversations: "Unterhaltungen", ratings: "Bewertungen", audit: "Wer was getan hat" },
  },
  es: {
    title: "Exportar datos",
    intro: "La puesta en marcha, los tickets y los plazos prometidos de su organización en un archivo. Guardamos quién obtuvo cada exportación y cuándo.",
    refused: "Solo los administradores y responsables de su organización pueden exportar sus datos. Pídaselo a uno de ellos.",
    what: "Qué",
    from: "Desde",
    to: "Hasta",
    open: "Vacío: sin límite.",
    format: "Formato",
    download: "Descargar",
    working: "Preparando…",
    saved: (name) => `${name} se ha entregado a su navegador.`,
    backwards: "El último día es anterior al primero.",
    section: { milestones: "Hitos", tasks: "Tareas", documents: "Documentos", integrations: "Integraciones", tickets: "Tickets", sla: "Plazos prometidos, por ticket", sla_attainment: "Plazos prometidos, cumplimiento en porcentaje", conversations: "Conversaciones", ratings: "Valoraciones", audit: "Quién hizo qué" },
  },
  fr: {
    title: "Exporter les données",
    intro: "La mise en place, les tickets et les délais promis de votre organisation dans un fichier. Nous notons qui a pris quel export, et quand.",
    refused: "Seuls les administrateurs et responsables de votre organisation peuvent exporter ses données. Adressez-vous à l’un d’eux.",
    what: "Quoi",
    from: "Du",
    to: "Au",
    open: "Vide : pas de limite.",
    format: "Format",
    download: "Télécharger",
    working: "En préparation…",
    saved: (name) => `${name} a été remis à votre navigateur.`,
    backwards: "Le dernier jour précède le premier.",
    section: { milestones: "Jalons", tasks: "Tâches", documents: "Documents", integrations: "Intégrations", tickets: "Tickets", sla: "Délais promis, par ticket", sla_attainment: "Délais promis, respect en pourcentage", conversations: "Conversations", ratings: "Évaluations", audit: "Qui a fait quoi" },
  },
  pt: {
    title: "Exportar dados",
    intro: "A integração, os pedidos e os prazos prometidos da sua organização num ficheiro. Registamos quem levou cada exportação e quando.",
    refused: "Só os administradores e gestores da sua organização podem exportar os dados dela. Peça a um deles.",
    what: "O quê",
    from: "De",
    to: "Até",
    open: "Vazio: sem limite.",
    format: "Formato",
    download: "Transferir",
    working: "A preparar…",
    saved: (name) => `${name} foi entregue ao seu navegador.`,
    backwards: "O último dia é anterior ao primeiro.",
    section: { milestones: "Marcos", tasks: "Tarefas", documents: "Documentos", integrations: "Integrações", tickets: "Pedidos", sla: "Prazos prometidos, por pedido", sla_attainment: "Prazos prometidos, cumprimento em percentagem", conversations: "Conversas", ratings: "Avaliações", audit: "Quem fez o quê" },
  },
};

export function useExportWords(): Page {
  return texts[useWords().language];
}
