import type { Message } from "../api/types";
import type { Words } from "../ui/i18n";

/** The name of who speaks, as every message shows it. */
export function speakerOf(author: Message["author"], t: Words["t"]): string {
  switch (author.kind) {
    case "customer":
      return t("you");
    case "assistant":
      return t("assistant");
    case "agent":
      return author.name ? t("person", { name: author.name }) : t("someone");
    case "system":
      return t("system");
  }
}

/** A ticket's state in the customer's words. */
export function ticketWords(state: string, t: Words["t"]): string {
  switch (state) {
    case "received":
    case "working_on_it":
    case "waiting_for_you":
    case "solved":
      return t(`ticket_${state}`);
    default:
      return "";
  }
}
