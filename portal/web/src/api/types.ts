// The contract's schemas under the names the screens use.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Tenant = Schemas["Tenant"];
export type Conversation = Schemas["Conversation"];
export type Message = Schemas["Message"];
export type Answer = Schemas["Answer"];
export type Citation = Schemas["Citation"];
export type DocumentList = Schemas["DocumentList"];
export type Document = Schemas["Document"];
export type PendingDocument = Schemas["PendingDocument"];
export type DocumentVersion = Schemas["DocumentVersion"];
export type Ticket = Schemas["Ticket"];
export type Passage = Schemas["Passage"];
export type ArticleSummary = Schemas["ArticleSummary"];
export type Article = Schemas["Article"];
export type QueueRow = Schemas["QueueRow"];
export type Queue = Schemas["Queue"];
export type AgentTicket = Schemas["AgentTicket"];
export type AgentAction = Schemas["AgentAction"];
export type Classification = Schemas["Classification"];
export type Suggestion = Schemas["Suggestion"];
export type StaffMember = Schemas["StaffMember"];
export type Delivery = Schemas["Delivery"];
export type DeliveryList = Schemas["DeliveryList"];
export type Audience = Schemas["Audience"];
export type ArticleContent = Schemas["ArticleContent"];
export type AdminArticle = Schemas["AdminArticle"];
export type Version = Schemas["Version"];
export type TestQuestion = Schemas["TestQuestion"];
export type TestRun = Schemas["TestRun"];
export type Gap = Schemas["Gap"];
export type Synonym = Schemas["Synonym"];
export type TaxonomyValue = Schemas["TaxonomyValue"];
export type Metrics = Schemas["Metrics"];
