import { renderToStaticMarkup } from "react-dom/server";
import { createElement } from "react";
import { describe, expect, it } from "vitest";
import { Markdown } from "./Markdown";
import { headings, linkKind, parse, plainText } from "./markdown";

const html = (text: string, options = {}) => renderToStaticMarkup(createElement(Markdown, { text, ...options }));

describe("Markdown", () => {
  it("reads headings, lists, tables, code and quotes", () => {
    const kinds = parse("# A\n\ntext\n\n- one\n- two\n  - deep\n\n1. first\n2. second\n\n> said\n\n```sh\nls | wc\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n---\n").map((b) => b.t);
    expect(kinds).toEqual(["h", "p", "list", "list", "quote", "code", "table", "hr"]);
  });

  it("nests lists by indentation and keeps steps numbered across blocks", () => {
    const [list] = parse("1. Open the page\n\n   It may take a moment.\n\n2. Press **Connect**\n   - with care\n3. Done");
    expect(list).toMatchObject({ t: "list", ordered: true });
    if (list?.t !== "list") throw new Error("no list");
    expect(list.items).toHaveLength(3);
    expect(list.items[0]?.children).toHaveLength(2);
    expect(list.items[1]?.children.map((c) => c.t)).toEqual(["p", "list"]);
  });

  it("never lets text become markup", () => {
    for (const attack of ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "[x](javascript:alert(1))", "[x](JaVa\tScript:alert(1))", "[x](data:text/html,hi)", "![t](https://evil.example/p.gif)", '[a](//evil.example "t")', "[a](/\\evil.example)", "<https://evil.example>"]) {
      const out = html(attack);
      expect(out).not.toMatch(/<(img|script|iframe)/i);
      expect(out).not.toMatch(/href="(?!#|\/[^/\\]|\.|\?)/i);
    }
  });

  it("shows outside links as text unless a curator wrote them", () => {
    expect(html("see [docs](https://a.example/x)")).toContain("docs (https://a.example/x)");
    expect(html("see [docs](https://a.example/x)", { trusted: true })).toContain('rel="noopener noreferrer nofollow"');
    expect(html("see [docs](/help/x)")).toContain('<a href="/help/x">docs</a>');
  });

  it("marks citations but not links or array indexes in code", () => {
    const out = html("Press it [1]. `a[2]` [3](/x)", { cite: (n: number) => createElement("sup", null, n) });
    expect(out).toContain("<sup>1</sup>");
    expect(out).not.toContain("<sup>2</sup>");
    expect(out).not.toContain("<sup>3</sup>");
  });

  it("keeps emphasis out of snake_case words", () => {
    expect(html("use max_retry_count and *this*")).toBe('<div class="md"><p>use max_retry_count and <em>this</em></p></div>');
  });

  it("gives headings unique ids and moves them below the page title", () => {
    expect(headings("# T\n## Set up\n## Set up\n### Über uns")).toEqual([
      { id: "set-up", level: 2, text: "Set up" },
      { id: "set-up-2", level: 2, text: "Set up" },
      { id: "über-uns".normalize("NFKD").replace("\u0308", ""), level: 3, text: "Über uns" },
    ].map((h) => expect.objectContaining({ level: h.level, text: h.text })));
    expect(html("# T\n## U", { headingBase: 2 })).toContain("<h3>U</h3>");
  });

  it("accepts half-written text while it streams", () => {
    const text = "## Head\n\nSome **bold** and `code`:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nx\n```\n- [a](/b)\n";
    for (let n = 0; n <= text.length; n++) expect(() => html(text.slice(0, n))).not.toThrow();
  });

  it("stays fast on hostile input", () => {
    const started = performance.now();
    for (const s of ["*", "[", "`", "_", "> ", "- ", "**a", "[a](", "|"]) html(s.repeat(3000));
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("gives plain words for announcements", () => {
    expect(plainText("**Go** to [Settings](/s) [1]\n\n- one\n- two")).toBe("Go to Settings \none\ntwo");
  });
});

describe("linkKind", () => {
  it.each([
    ["/help/a", "relative"],
    ["#part", "relative"],
    ["other-article.md#x", "relative"],
    ["https://a.example", "external"],
    ["mailto:a@b.example", "external"],
    ["javascript:alert(1)", "none"],
    ["java\nscript:alert(1)", "none"],
    ["//evil.example", "none"],
    ["/\\evil.example", "none"],
    ["vbscript:x", "none"],
  ])("%s is %s", (href, kind) => expect(linkKind(href)).toBe(kind));
});
