import { readFileSync } from "node:fs";
import type { Clock } from "@rapport/kit/runtime";
import { importJWK, type JWK, SignJWT } from "jose";
import type { Caller } from "../session/session.js";

/** Vouches for a caller towards the services. */
export interface Identity {
	/** A staff token for the caller, valid for a minute: long enough to start a call, useless afterwards. */
	tokenFor(caller: Caller): Promise<string>;
}

const lifetimeSeconds = 60;
// Services remember the tokens they checked, so the same one is used again while it has enough of its life left.
const reuseSeconds = 30;
const remembered = 10_000;
const audience = "rapport";

/** Reads the gateway's private key from a file: a JWK, Ed25519 or P-256, whose `kid` is the issuer of its tokens. */
export async function openIdentity(
	keyFile: string,
	clock: Clock,
): Promise<Identity> {
	const jwk = JSON.parse(readFileSync(keyFile, "utf8")) as JWK;
	const alg = jwk.kty === "OKP" ? "EdDSA" : "ES256";
	const { kid, d } = jwk;
	if (kid === undefined || d === undefined)
		throw new Error(`${keyFile} must hold a private JWK with a kid`);
	const key = await importJWK(jwk, alg);
	const tokens = new Map<string, { token: Promise<string>; until: number }>();

	const sign = async (caller: Caller, now: number): Promise<string> =>
		await new SignJWT({
			roles: caller.roles,
			org_path: caller.organisationPath,
			typ: "staff",
		})
			.setProtectedHeader({ alg, kid })
			.setIssuer(kid)
			.setAudience(audience)
			.setSubject(caller.subject)
			.setIssuedAt(now)
			.setExpirationTime(now + lifetimeSeconds)
			.sign(key);

	return {
		async tokenFor(caller) {
			const now = Math.floor(clock.now().getTime() / 1000);
			const name = JSON.stringify([
				caller.subject,
				caller.roles,
				caller.organisationPath,
			]);
			const known = tokens.get(name);
			if (known && now < known.until) return await known.token;
			if (tokens.size >= remembered) tokens.clear();
			const token = sign(caller, now);
			tokens.set(name, { token, until: now + reuseSeconds });
			return await token;
		},
	};
}
