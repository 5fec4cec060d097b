// The root helper's end of one dump connection: the request line in, frames out, and how the program behind it ended.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { encodeFrame, requestBytesMax, type FrameType } from "../../core/backup/dump-frames.ts";
import { CutterError } from "../../core/errors.ts";

const requestDeadlineMs = 10_000;

export type Send = (type: FrameType, payload: Uint8Array) => Promise<void>;
export interface DumpConnection {
  readonly socket: Duplex;
  readonly send: Send;
  readonly gone: AbortSignal;
  readonly path: string;
}

export function toSender(socket: Duplex, gone: AbortSignal): Send {
  return async (type, payload) => {
    gone.throwIfAborted();
    if (!socket.write(encodeFrame(type, payload))) await once(socket, "drain", { signal: gone });
  };
}

export async function sendExit(send: Send, code: number): Promise<number> {
  await send("X", Buffer.from(JSON.stringify({ code })));
  return code;
}

/** One line within the deadline; the socket flows on afterwards, so that its end is seen. */
export function readRequestLine(socket: Readable): Promise<string> {
  return new Promise((done, fail) => {
    let text = "";
    const refuse = (problem: string) => settle(() => fail(new CutterError("DUMP_REQUEST_REFUSED", { problem })));
    const timer = setTimeout(() => refuse("no whole request in time"), requestDeadlineMs);
    const onEnd = () => refuse("no whole request");
    const onData = (bytes: Buffer) => {
      text += bytes.toString("utf8");
      if (text.length > requestBytesMax) refuse("too long");
      else if (text.endsWith("\n")) settle(() => done(text));
      else if (text.includes("\n")) refuse("more than one request");
    };
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("close", onEnd);
      socket.resume();
      finish();
    };
    socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  });
}

/** 255 for a death by signal: there is no exit code then, and 0 would be a lie. */
export function waitFor(child: ChildProcess): Promise<number> {
  return new Promise((done, fail) => {
    child.once("error", (error) =>
      fail(new CutterError("DATABASE_UNREACHABLE", { step: "start pg_dump or pg_restore" }, { cause: error })),
    );
    child.once("close", (code) => done(code ?? 255));
  });
}
