import { ApiError, problemOf } from "./client";

/**
 * Fetches a file and hands it to the person to keep. It is handed over only when
 * it has come whole: an answer cut short is an error, not a shorter file.
 */
export async function saveFile(url: string): Promise<string> {
  let response: Response;
  let body: Blob;
  try {
    response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) throw problemOf(response.status, await response.json().catch(() => ({})), (name) => response.headers.get(name));
    body = await response.blob();
  } catch (cause) {
    throw cause instanceof ApiError ? cause : new ApiError(0, "unreachable", "", "");
  }
  const name = /filename="?([^";]+)"?/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "download";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(body);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return name;
}
