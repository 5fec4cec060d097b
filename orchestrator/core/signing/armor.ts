// The armor around a detached signature, taken letter by letter: one block, one packet, nothing around or beside it.
import { CutterError } from "../errors.ts";

const fileBytesMax = 16 * 1024;
const lineLength = 64;
const head = "-----BEGIN PGP SIGNATURE-----";
const tail = "-----END PGP SIGNATURE-----";
const signatureTag = 2;

/**
 * The bytes of the one OpenPGP packet in a `.asc` file. The file must be, byte for byte, the armor that stock gpg writes for that packet
 * (checksum included, LF or CRLF throughout): what is not needed cannot hide anything. Pure.
 * @throws APPROVAL_SIGNATURE_MALFORMED
 */
export function readOnePacket(file: Uint8Array): Uint8Array {
  const malformed = (problem: string): CutterError => new CutterError("APPROVAL_SIGNATURE_MALFORMED", { problem, bytes: file.length });
  if (file.length === 0) throw malformed("empty");
  if (file.length > fileBytesMax) throw malformed("too large");
  const text = Buffer.from(file).toString("latin1");
  const blocks = text.match(/-----BEGIN PGP/g)?.length ?? 0;
  const others = /-----BEGIN PGP (?!SIGNATURE-----)([A-Z ]{1,40})-----/.exec(text)?.[1];
  if (others !== undefined) throw malformed(`holds a PGP ${others}, not a detached signature`);
  if (blocks > 1) throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { reason: "count", expected: 1, found: blocks });
  const unixText = text.includes("\r") ? toUnix(text) : text;
  const body =
    unixText === null || blocks === 0
      ? null
      : new RegExp(`^${head}\\n\\n([A-Za-z0-9+/=\\n]+)\\n=[A-Za-z0-9+/]{4}\\n${tail}\\n$`).exec(unixText)?.[1];
  if (body === null || body === undefined) throw malformed(blocks === 0 ? "no armor" : "something beside the armor, or an armor header");
  const packets = Buffer.from(body, "base64");
  if (toArmor(packets) !== unixText) throw malformed("armor or checksum");
  countPackets(packets, malformed);
  return packets;
}

/** Every line ends in CRLF, or the file is none of anybody's. */
function toUnix(text: string): string | null {
  const unix = text.replaceAll("\r\n", "\n");
  return unix.includes("\r") || unix.replaceAll("\n", "\r\n") !== text ? null : unix;
}

function toArmor(packets: Buffer): string {
  const base64 = packets.toString("base64");
  const lines = base64.match(new RegExp(`.{1,${String(lineLength)}}`, "g")) ?? [];
  return [head, "", ...lines, `=${toChecksum(packets)}`, tail, ""].join("\n");
}

/** CRC-24 of RFC 4880, section 6.1. */
function toChecksum(bytes: Buffer): string {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return Buffer.from([(crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff]).toString("base64");
}

/** Walks the packet headers: a second signature, even one the library would skip as unknown, is a second signature. */
function countPackets(bytes: Buffer, malformed: (problem: string) => CutterError): void {
  let signatures = 0;
  let position = 0;
  while (position < bytes.length) {
    const { tag, bodyStart, bodyLength } = readHeader(bytes, position, malformed);
    if (tag !== signatureTag) throw malformed(`holds a packet of tag ${String(tag)}`);
    signatures += 1;
    position = bodyStart + bodyLength;
  }
  if (position !== bytes.length) throw malformed("a packet is cut off");
  if (signatures !== 1) throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { reason: "count", expected: 1, found: signatures });
}

interface PacketHeader {
  readonly tag: number;
  readonly bodyStart: number;
  readonly bodyLength: number;
}

/** Lengths of 1, 2 or 4 bytes, old or new format; partial and indeterminate lengths have no place in a signature. */
function readHeader(bytes: Buffer, start: number, malformed: (problem: string) => CutterError): PacketHeader {
  const at = (offset: number): number => {
    const byte = bytes[start + offset];
    if (byte === undefined) throw malformed("a packet is cut off");
    return byte;
  };
  const first = at(0);
  if ((first & 0x80) === 0) throw malformed("not a packet");
  const four = (offset: number): number => at(offset) * 0x1000000 + at(offset + 1) * 0x10000 + at(offset + 2) * 0x100 + at(offset + 3);
  if ((first & 0x40) === 0) {
    const tag = (first & 0x3c) >> 2;
    switch (first & 0x03) {
      case 0:
        return { tag, bodyStart: start + 2, bodyLength: at(1) };
      case 1:
        return { tag, bodyStart: start + 3, bodyLength: at(1) * 0x100 + at(2) };
      case 2:
        return { tag, bodyStart: start + 5, bodyLength: four(1) };
      default:
        throw malformed("a packet without length");
    }
  }
  const tag = first & 0x3f;
  const length = at(1);
  if (length < 192) return { tag, bodyStart: start + 2, bodyLength: length };
  if (length < 224) return { tag, bodyStart: start + 3, bodyLength: (length - 192) * 0x100 + at(2) + 192 };
  if (length === 255) return { tag, bodyStart: start + 6, bodyLength: four(2) };
  throw malformed("a packet in parts");
}
