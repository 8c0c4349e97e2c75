// Files on their way into a message: one after the other, each with its progress.
import { useEffect, useRef, useState } from "react";
import { newKey } from "../api/client";
import type { Attachment } from "../api/types";
import { type Upload, upload } from "../api/upload";

/** One file on its way. Until it has an id it is not on the server. */
export type Sending = { key: string; name: string; size: number; part: number; state: "waiting" | "sending" | "failed" | Attachment["state"]; id?: string; problem?: string };

/** Where files go, and how to ask about and remove them there. */
export type Target = {
  url: (name: string) => string;
  look: (id: string) => Promise<Attachment>;
  discard: (id: string) => Promise<unknown>;
};

/** A file that can go with a message. */
export const usable = (f: Sending) => f.id !== undefined && f.state !== "infected" && f.state !== "failed";
export const busy = (f: Sending) => f.state === "waiting" || f.state === "sending";

export type Uploads = {
  files: readonly Sending[];
  /** Takes files in; what the second function refuses is shown with its reason. */
  add: (files: Iterable<File>, refuse: (file: File, already: number) => string) => void;
  /** Cancels an upload, or removes what was uploaded. */
  remove: (key: string) => void;
  /** Forgets what was sent with a message. */
  sent: (ids: readonly string[]) => void;
};

export function useUploads(to: Target, explain: (error: unknown) => string): Uploads {
  const [files, setFiles] = useState<readonly Sending[]>([]);
  const running = useRef(new Map<string, Upload<Attachment>>());
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const gone = useRef(new Set<string>());
  const target = useRef(to);
  target.current = to;
  const say = useRef(explain);
  say.current = explain;

  useEffect(() => {
    const all = running.current;
    return () => {
      for (const u of all.values()) u.cancel();
    };
  }, []);

  const patch = (key: string, part: Partial<Sending>) => setFiles((list) => list.map((f) => (f.key === key ? { ...f, ...part } : f)));
  const send = async (key: string, file: File) => {
    if (gone.current.has(key)) return;
    patch(key, { state: "sending" });
    const u = upload<Attachment>(target.current.url(file.name || "image.png"), file, (part) => patch(key, { part }));
    running.current.set(key, u);
    try {
      const stored = await u.done;
      patch(key, { id: stored.id, name: stored.name, size: stored.size, state: stored.state, part: 1 });
    } catch (error) {
      if (!gone.current.has(key)) patch(key, { state: "failed", problem: say.current(error) });
    }
    running.current.delete(key);
  };

  // What is being checked is asked about until it is known.
  const open = files.filter((f) => f.id && f.state === "pending").map((f) => f.id);
  const asking = open.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids say which files are asked about
  useEffect(() => {
    if (!asking) return;
    const timer = setInterval(() => {
      for (const id of open) {
        if (!id) continue;
        target.current.look(id).then(
          (a) => setFiles((list) => list.map((f) => (f.id === id ? { ...f, state: a.state } : f))),
          () => undefined,
        );
      }
    }, 1200);
    return () => clearInterval(timer);
  }, [asking]);

  return {
    files,
    add: (list, refuse) => {
      let already = files.filter((f) => f.state !== "failed").length;
      const added: Sending[] = [];
      for (const file of list) {
        const key = newKey();
        const problem = refuse(file, already);
        added.push({ key, name: file.name || "image.png", size: file.size, part: 0, state: problem ? "failed" : "waiting", problem: problem || undefined });
        if (problem) continue;
        already++;
        queue.current = queue.current.then(() => send(key, file));
      }
      setFiles((before) => [...before, ...added]);
    },
    remove: (key) => {
      gone.current.add(key);
      running.current.get(key)?.cancel();
      const id = files.find((f) => f.key === key)?.id;
      if (id) target.current.discard(id).catch(() => undefined);
      setFiles((list) => list.filter((f) => f.key !== key));
    },
    sent: (ids) => setFiles((list) => list.filter((f) => !f.id || !ids.includes(f.id))),
  };
}

/** What the file chooser offers first; what a file really is, the server says. */
export const accept = (types: readonly string[]) => [...types, ".txt", ".log", ".csv", ".md", ".json"].join(",");

/** The limit in whole megabytes, so that the sentence is a short one. */
export const wholeMegabytes = (size: number) => (size > 1e6 ? Math.floor(size / 1e6) * 1e6 : size);
