import type { Me } from "../api/types";
import { Console, type Place } from "../ui/Console";
import { match, useLocation } from "../ui/router";
import { Approvals } from "./Approvals";
import { Deliveries } from "./Deliveries";
import { Queue } from "./Queue";
import { Reviews } from "./Reviews";
import { Ticket } from "./Ticket";

const places: Place[] = [
  { href: "/agent", icon: "inbox", name: "Queue" },
  { href: "/agent/approvals", icon: "check", name: "Approvals" },
  { href: "/agent/documents", icon: "file", name: "Documents" },
  { href: "/agent/deliveries", icon: "truck", name: "Deliveries" },
  { href: "/admin", icon: "book", name: "Knowledge" },
];

const worksOnTickets = (me: Me) => me.roles.some((r) => r === "agent" || r === "lead" || r === "admin");

/** The agent console. */
export function App() {
  const { path } = useLocation();
  const inside = places.map((p) => (p.href === "/agent" ? { ...p, exact: path !== "/agent" && !path.startsWith("/agent/tickets") } : p));
  return (
    <Console title="Agent console" places={inside} allowed={worksOnTickets}>
      {(me) => (match("/agent/deliveries", path) ? <Deliveries /> : match("/agent/approvals", path) ? <Approvals /> : match("/agent/documents", path) ? <Reviews /> : <Desk me={me} path={path} />)}
    </Console>
  );
}

function Desk({ me, path }: { me: Me; path: string }) {
  const open = match("/agent/tickets/:tenant/:id", path);
  return (
    <div className={`desk ${open ? "desk-ticket" : "desk-list"}`}>
      <Queue open={open?.id} />
      <div className="work">
        {open?.tenant && open.id ? (
          <Ticket key={open.id} me={me} tenant={open.tenant} id={open.id} />
        ) : (
          <div className="console-page">
            <p className="empty">Choose a ticket from the queue.</p>
          </div>
        )}
      </div>
    </div>
  );
}
