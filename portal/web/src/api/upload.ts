import { ApiError, problemOf } from "./client";

export type Upload<T> = { done: Promise<T>; cancel: () => void };

/**
 * Sends a file as the body of a request and tells how much of it has left.
 * fetch cannot tell, so this is the one place that uses XMLHttpRequest.
 */
export function upload<T>(url: string, file: Blob, onProgress: (part: number) => void): Upload<T> {
  const request = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    request.open("POST", url);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (e) => e.lengthComputable && e.total > 0 && onProgress(e.loaded / e.total);
    request.onerror = () => reject(new ApiError(0, "unreachable", "", ""));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onload = () => {
      let body: unknown = {};
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // Not ours: a proxy's page. The status says enough.
      }
      if (request.status >= 200 && request.status < 300) resolve(body as T);
      else reject(problemOf(request.status, body, (name) => request.getResponseHeader(name)));
    };
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}
