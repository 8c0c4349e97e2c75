// A small, safe Markdown reader: text in, a tree out. It never produces HTML, so
// nothing a model, a customer or an article writes can become markup. Images
// are reduced to their alternative text: a remote image would tell its host who
// is reading.

export type Inline =
  | { t: "text"; text: string }
  | { t: "code"; text: string }
  | { t: "strong" | "em" | "del"; children: Inline[] }
  | { t: "link"; href: string; children: Inline[] }
  | { t: "cite"; n: number }
  | { t: "br" };

export type ListItem = { checked?: boolean; children: Block[] };

export type Block =
  | { t: "p"; children: Inline[] }
  | { t: "h"; level: number; children: Inline[]; id: string }
  | { t: "code"; lang: string; text: string }
  | { t: "quote"; children: Block[] }
  | { t: "list"; ordered: boolean; start: number; items: ListItem[] }
  | { t: "table"; align: Align[]; head: Inline[][]; rows: Inline[][][] }
  | { t: "hr" };

export type Align = "start" | "center" | "end" | undefined;

const maxDepth = 8;

/** Reads Markdown into blocks. Any text is accepted; unknown syntax stays text. */
export function parse(source: string): Block[] {
  const used = new Map<string, number>();
  return blocks(source.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0, used);
}

function blocks(lines: string[], depth: number, used: Map<string, number>): Block[] {
  const out: Block[] = [];
  let i = 0;
  const line = (n: number) => lines[n] ?? "";
  while (i < lines.length) {
    const text = line(i);
    if (text.trim() === "") {
      i++;
      continue;
    }
    const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/.exec(text);
    if (fence) {
      const mark = fence[1] ?? "```";
      const body: string[] = [];
      i++;
      while (i < lines.length && !isFenceEnd(line(i), mark)) body.push(line(i++));
      i++;
      out.push({ t: "code", lang: fence[2] ?? "", text: body.join("\n") });
      continue;
    }
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(text);
    if (heading) {
      const children = inline(heading[2] ?? "");
      out.push({ t: "h", level: (heading[1] ?? "#").length, children, id: slug(plain(children), used) });
      i++;
      continue;
    }
    if (/^ {0,3}([-*_])( *\1){2,} *$/.test(text)) {
      out.push({ t: "hr" });
      i++;
      continue;
    }
    if (/^ {0,3}>/.test(text) && depth < maxDepth) {
      const body: string[] = [];
      while (i < lines.length && /^ {0,3}>/.test(line(i))) body.push(line(i++).replace(/^ {0,3}> ?/, ""));
      out.push({ t: "quote", children: blocks(body, depth + 1, used) });
      continue;
    }
    if (text.includes("|") && isDelimiter(line(i + 1)) && cells(text).length === cells(line(i + 1)).length) {
      const align = cells(line(i + 1)).map(alignment);
      const head = cells(text).map(inline);
      const rows: Inline[][][] = [];
      i += 2;
      while (i < lines.length && line(i).trim() !== "" && line(i).includes("|")) {
        const row = cells(line(i++)).map(inline);
        rows.push(head.map((_, n) => row[n] ?? []));
      }
      out.push({ t: "table", align, head, rows });
      continue;
    }
    const marker = listMarker(text);
    if (marker && depth < maxDepth) {
      const [list, next] = readList(lines, i, marker, depth, used);
      out.push(list);
      i = next;
      continue;
    }
    const para: string[] = [text.trimStart()];
    i++;
    while (i < lines.length && line(i).trim() !== "" && !startsBlock(line(i), line(i + 1))) {
      para.push(line(i++).trimStart());
    }
    out.push({ t: "p", children: inline(para.join("\n")) });
  }
  return out;
}

type Marker = { indent: number; width: number; ordered: boolean; start: number };

function listMarker(text: string): Marker | undefined {
  const m = /^( *)([-*+]|\d{1,9}[.)])( +|$)/.exec(text);
  if (!m) return undefined;
  const mark = m[2] ?? "-";
  const indent = (m[1] ?? "").length;
  const gap = Math.min((m[3] ?? "").length || 1, 4);
  return { indent, width: indent + mark.length + gap, ordered: /\d/.test(mark), start: parseInt(mark, 10) || 1 };
}

function readList(lines: string[], from: number, first: Marker, depth: number, used: Map<string, number>): [Block, number] {
  const items: ListItem[] = [];
  let i = from;
  while (i < lines.length) {
    const marker = listMarker(lines[i] ?? "");
    if (!marker || marker.indent > first.indent + 3 || marker.indent < first.indent || marker.ordered !== first.ordered) break;
    const body = [(lines[i] ?? "").slice(marker.width)];
    i++;
    while (i < lines.length) {
      const text = lines[i] ?? "";
      if (text.trim() === "") {
        if (indentOf(lines[i + 1] ?? "") < marker.width || (lines[i + 1] ?? "").trim() === "") break;
        body.push("");
        i++;
        continue;
      }
      if (indentOf(text) >= marker.width) body.push(text.slice(marker.width));
      else if (listMarker(text) || startsBlock(text, "")) {
        const nested = listMarker(text);
        if (!nested || nested.indent <= marker.indent) break;
        body.push(text.slice(Math.min(indentOf(text), marker.width)));
      } else body.push(text.trimStart());
      i++;
    }
    const task = /^\[([ xX])\] +/.exec(body[0] ?? "");
    if (task) body[0] = (body[0] ?? "").slice(task[0].length);
    items.push({ children: blocks(body, depth + 1, used), ...(task && { checked: task[1] !== " " }) });
    let next = i;
    while (next < lines.length && (lines[next] ?? "").trim() === "") next++;
    const after = listMarker(lines[next] ?? "");
    if (!after || after.ordered !== first.ordered || after.indent < first.indent) break;
    i = next;
  }
  return [{ t: "list", ordered: first.ordered, start: first.start, items }, i];
}

function startsBlock(text: string, next: string): boolean {
  return (
    /^ {0,3}(#{1,6}\s|>|`{3}|~{3})/.test(text) ||
    /^ {0,3}([-*_])( *\1){2,} *$/.test(text) ||
    /^ {0,3}([-*+]|1[.)]) +\S/.test(text) ||
    (text.includes("|") && isDelimiter(next))
  );
}

const indentOf = (text: string) => text.length - text.trimStart().length;
const isFenceEnd = (text: string, mark: string) => text.trim().startsWith(mark) && text.trim().replaceAll(mark[0] ?? "`", "") === "";
const isDelimiter = (text: string) => text.includes("-") && text.includes("|") && /^[\s|:-]+$/.test(text);

function cells(text: string): string[] {
  const body = text.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return body.split(/(?<!\\)\|/).map((c) => c.trim().replaceAll("\\|", "|"));
}

function alignment(cell: string): Align {
  if (cell.startsWith(":") && cell.endsWith(":")) return "center";
  if (cell.endsWith(":")) return "end";
  return undefined;
}

const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/** Reads inline Markdown. */
export function inline(source: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let text = "";
  const flush = () => {
    if (text) out.push({ t: "text", text });
    text = "";
  };
  let i = 0;
  while (i < source.length) {
    const ch = source[i] ?? "";
    const rest = source.slice(i);
    if (ch === "\\" && punctuation.includes(source[i + 1] ?? " ")) {
      text += source[i + 1];
      i += 2;
      continue;
    }
    if (ch === "\n") {
      const hard = text.endsWith("  ") || text.endsWith("\\");
      text = text.replace(/[\\ ]+$/, "");
      if (hard) {
        flush();
        out.push({ t: "br" });
      } else text += " ";
      i++;
      continue;
    }
    if (ch === "`") {
      const m = /^(`+)([\s\S]*?[^`])\1(?!`)/.exec(rest);
      if (m) {
        flush();
        out.push({ t: "code", text: (m[2] ?? "").replace(/^ (.*) $/, "$1") });
        i += m[0].length;
        continue;
      }
    }
    if (depth < maxDepth && (ch === "*" || ch === "_" || ch === "~")) {
      const m =
        /^(\*\*|__)(?=\S)([\s\S]*?\S)\1/.exec(rest) ??
        /^(~~)(?=\S)([\s\S]*?\S)\1/.exec(rest) ??
        /^(\*)(?=[^\s*])([\s\S]*?[^\s*])\1(?!\*)/.exec(rest) ??
        /^(_)(?=[^\s_])([\s\S]*?[^\s_])\1(?![\w_])/.exec(rest);
      const inWord = ch === "_" && /\w/.test(source[i - 1] ?? "");
      if (m && !inWord) {
        flush();
        const mark = m[1] ?? "*";
        const t = mark === "~~" ? "del" : mark.length === 2 ? "strong" : "em";
        out.push({ t, children: inline(m[2] ?? "", depth + 1) });
        i += m[0].length;
        continue;
      }
    }
    if (ch === "!" && source[i + 1] === "[") {
      const m = /^!\[([^\]]*)\]\(([^()\s]*(?:\([^()\s]*\))?[^()\s]*)(?:\s+"[^"]*")?\)/.exec(rest);
      if (m) {
        text += m[1] ?? "";
        i += m[0].length;
        continue;
      }
    }
    if (ch === "[") {
      const link = /^\[((?:[^[\]\\]|\\.|\[[^\]]*\])*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\))?[^()\s<>]*)>?(?:\s+"[^"]*")?\s*\)/.exec(rest);
      if (link && depth < maxDepth) {
        flush();
        out.push({ t: "link", href: link[2] ?? "", children: inline(link[1] ?? "", depth + 1) });
        i += link[0].length;
        continue;
      }
      const cite = /^\[(\d{1,2})\](?!\()/.exec(rest);
      if (cite) {
        flush();
        out.push({ t: "cite", n: Number(cite[1]) });
        i += cite[0].length;
        continue;
      }
    }
    if (ch === "<") {
      const auto = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/.exec(rest);
      if (auto) {
        flush();
        const href = auto[1] ?? "";
        out.push({ t: "link", href, children: [{ t: "text", text: href }] });
        i += auto[0].length;
        continue;
      }
    }
    text += ch;
    i++;
  }
  flush();
  return out;
}

/** The words of a piece of Markdown, without marks: for announcements and previews. */
export function plain(nodes: Inline[]): string {
  return nodes
    .map((n) => {
      switch (n.t) {
        case "text":
        case "code":
          return n.text;
        case "br":
          return " ";
        case "cite":
          return "";
        default:
          return plain(n.children);
      }
    })
    .join("");
}

/** The words of a whole document in reading order. */
export function plainText(source: string): string {
  const walk = (list: Block[]): string[] =>
    list.flatMap((b) => {
      switch (b.t) {
        case "p":
        case "h":
          return [plain(b.children)];
        case "code":
          return [b.text];
        case "quote":
          return walk(b.children);
        case "list":
          return b.items.flatMap((item) => walk(item.children));
        case "table":
          return [b.head, ...b.rows].map((row) => row.map(plain).join(", "));
        case "hr":
          return [];
      }
    });
  return walk(parse(source)).join("\n");
}

/** Second- and third-level headings, for a table of contents. */
export function headings(source: string): { id: string; level: number; text: string }[] {
  return parse(source).flatMap((b) => (b.t === "h" && (b.level === 2 || b.level === 3) ? [{ id: b.id, level: b.level, text: plain(b.children) }] : []));
}

function slug(text: string, used: Map<string, number>): string {
  const base =
    text
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-+|-+$/g, "") || "section";
  const seen = used.get(base) ?? 0;
  used.set(base, seen + 1);
  return seen === 0 ? base : `${base}-${seen + 1}`;
}

export type LinkKind = "relative" | "external" | "none";

/**
 * What a link may do. Relative links and fragments stay in the product; web and
 * mail addresses leave it; every other scheme is not a link at all.
 */
export function linkKind(href: string): LinkKind {
  const clean = [...href].filter((ch) => ch > " ").join("");
  if (/^(#|\?|\.{0,2}\/(?!\/)(?!\\)|[\w-][\w./-]*(?:#.*)?$)/.test(clean) && !/^[a-z][a-z0-9+.-]*:/i.test(clean)) return "relative";
  if (/^(https?:\/\/|mailto:|tel:)/i.test(clean)) return "external";
  return "none";
}
