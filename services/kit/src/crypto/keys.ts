import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";

const keyText = z
	.string()
	.refine(
		(text) => Buffer.from(text, "base64").length === 32,
		"a key is 32 bytes in base64",
	)
	.transform((text) => Buffer.from(text, "base64"));

const fileSchema = z
	.strictObject({
		current: z.string().regex(/^[\w-]{1,64}$/),
		keys: z.record(z.string().regex(/^[\w-]{1,64}$/), keyText),
		index: keyText,
	})
	.refine(
		(file) => file.current in file.keys,
		"current names a key that is not in keys",
	);

/** The keys of one key-encryption-key file, in clear. */
export interface KeyRing {
	/** id of the key that wraps new party keys */
	current: string;
	keys: ReadonlyMap<string, Buffer>;
	/** key of the blind indexes; it does not rotate with the others, or every index would have to be rebuilt */
	index: Buffer;
}

/**
 * Reads a key-encryption-key file: `{"current": "2026-01", "keys": {"2026-01": "<32 bytes, base64>"}, "index": "<32
 * bytes, base64>"}`. Throws an error that names the file and the rule, never a key.
 */
export function readKeyRing(file: string): KeyRing {
	let content: unknown;
	try {
		content = JSON.parse(readFileSync(file, "utf8"));
	} catch (error) {
		const reason =
			error instanceof SyntaxError
				? "it is not JSON"
				: (error as NodeJS.ErrnoException).code;
		throw new Error(
			`cannot read the key-encryption-key file ${file}: ${reason}`,
		);
	}
	const parsed = fileSchema.safeParse(content);
	if (!parsed.success) {
		const issues = parsed.error.issues
			.map((issue) => `${issue.path.join(".")}: ${issue.message}`)
			.join("; ");
		throw new Error(
			`the key-encryption-key file ${file} is not valid: ${issues}`,
		);
	}
	return {
		current: parsed.data.current,
		keys: new Map(Object.entries(parsed.data.keys)),
		index: parsed.data.index,
	};
}

/** The text of a fresh key-encryption-key file with one key, named `id`. Keep it where only the service reads it. */
export function newKeyRing(id: string): string {
	const key = () => randomBytes(32).toString("base64");
	return `${JSON.stringify({ current: id, keys: { [id]: key() }, index: key() }, null, 2)}\n`;
}

/** The text of the same file with a new current key; the old keys stay until every party key is rewrapped. */
export function rotateKeyRing(text: string, id: string): string {
	const file = JSON.parse(text) as {
		current: string;
		keys: Record<string, string>;
		index: string;
	};
	if (id in file.keys) throw new RangeError(`the key ${id} exists already`);
	const keys = { ...file.keys, [id]: randomBytes(32).toString("base64") };
	return `${JSON.stringify({ current: id, keys, index: file.index }, null, 2)}\n`;
}
