import { Fragment, memo, type ReactNode, useMemo } from "react";
import { type Block, type Inline, linkKind, parse, plain } from "./markdown";

type Options = {
  /** Called for a citation mark such as [2]; without it the mark stays text. */
  cite?: (n: number) => ReactNode;
  /** Text by curators may link outside; text by models and customers may not. */
  trusted?: boolean;
  /** Turns a relative link of an article into one of this site. */
  resolve?: (href: string) => string;
  /** Level of the first heading, so headings stay in order on the page. */
  headingBase?: number;
  /** Give headings ids that can be linked to. */
  anchors?: boolean;
};

/** Renders Markdown as elements. The text is never treated as HTML. */
export const Markdown = memo(function Markdown({ text, ...options }: { text: string } & Options) {
  const tree = useMemo(() => parse(text), [text]);
  const top = tree.reduce((low, b) => (b.t === "h" ? Math.min(low, b.level) : low), 6);
  return <div className="md">{tree.map((b, i) => block(b, i, { ...options, shift: (options.headingBase ?? 3) - top }))}</div>;
});

type Shifted = Options & { shift: number };

function block(b: Block, key: number, o: Shifted): ReactNode {
  switch (b.t) {
    case "p":
      return <p key={key}>{inlines(b.children, o)}</p>;
    case "h": {
      const level = Math.min(6, Math.max(2, b.level + o.shift));
      const Tag = `h${level}` as "h2";
      return (
        <Tag key={key} id={o.anchors ? b.id : undefined} tabIndex={o.anchors ? -1 : undefined}>
          {inlines(b.children, o)}
        </Tag>
      );
    }
    case "code":
      return (
        <pre key={key} tabIndex={0} dir="ltr">
          <code>{b.text}</code>
        </pre>
      );
    case "quote":
      return <blockquote key={key}>{b.children.map((c, i) => block(c, i, o))}</blockquote>;
    case "list": {
      const items = b.items.map((item, i) => (
        <li key={i}>
          {item.checked !== undefined && <span>{item.checked ? "☑ " : "☐ "}</span>}
          {item.children.map((c, n) => (c.t === "p" && n === 0 ? <Fragment key={n}>{inlines(c.children, o)}</Fragment> : block(c, n, o)))}
        </li>
      ));
      return b.ordered ? (
        <ol key={key} start={b.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    case "table":
      return (
        <div key={key} className="scroll" tabIndex={0} role="group" aria-label={b.head.map(plain).join(", ")}>
          <table>
            <thead>
              <tr>
                {b.head.map((c, i) => (
                  <th key={i} scope="col" style={{ textAlign: b.align[i] }}>
                    {inlines(c, o)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {b.rows.map((row, i) => (
                <tr key={i}>
                  {row.map((c, n) => (
                    <td key={n} style={{ textAlign: b.align[n] }}>
                      {inlines(c, o)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case "hr":
      return <hr key={key} />;
  }
}

function inlines(nodes: Inline[], o: Shifted): ReactNode[] {
  return nodes.map((n, i) => {
    switch (n.t) {
      case "text":
        return n.text;
      case "code":
        return (
          <code key={i} dir="ltr">
            {n.text}
          </code>
        );
      case "strong":
        return <strong key={i}>{inlines(n.children, o)}</strong>;
      case "em":
        return <em key={i}>{inlines(n.children, o)}</em>;
      case "del":
        return <del key={i}>{inlines(n.children, o)}</del>;
      case "br":
        return <br key={i} />;
      case "cite":
        return <Fragment key={i}>{o.cite ? o.cite(n.n) : `[${n.n}]`}</Fragment>;
      case "link":
        return <Fragment key={i}>{link(n.href, n.children, o)}</Fragment>;
    }
  });
}

function link(href: string, children: Inline[], o: Shifted): ReactNode {
  const kind = linkKind(href);
  if (kind === "relative") return <a href={o.resolve ? o.resolve(href) : href}>{inlines(children, o)}</a>;
  if (kind === "external" && o.trusted) {
    return (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {inlines(children, o)}
      </a>
    );
  }
  const words = plain(children);
  return (
    <>
      {inlines(children, o)}
      {kind === "external" && words !== href && <> ({href})</>}
    </>
  );
}
