import { useEffect } from "react";
import { call } from "../api/client";
import { EventStream } from "../api/events";
import { type Loaded, useLoad } from "../ui/useLoad";
import { isView, type View } from "./view";

/**
 * The onboarding record, read again whenever the server says that it changed.
 * A slow look now and then covers what depends on the clock ("overdue").
 */
export function useRecord(): Loaded<unknown> {
  const load = useLoad<unknown>((signal) => call("get", "/v1/onboarding", { signal }), "onboarding", { every: 300_000 });
  const { data, reload } = load;
  const listens = isView(data);
  const from = listens ? (data as View).event : 0;
  // The stream goes on from what was first read; later reads need no new one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `from` is where it starts, not when
  useEffect(() => {
    if (!listens) return;
    const stream = new EventStream({ url: `/v1/onboarding/events?after=${from}`, onEvent: () => reload() });
    return () => stream.close();
  }, [listens, reload]);
  return load;
}
