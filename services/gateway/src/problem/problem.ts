import { randomUUID } from "node:crypto";
import {
	type AnyDesc,
	type DescMessage,
	fromBinary,
	type Registry,
} from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status as grpc } from "@grpc/grpc-js";
import { logger } from "@rapport/kit/runtime";
import { activeTraceId } from "@rapport/kit/telemetry";
import type {
	ErrorRequestHandler,
	Request,
	RequestHandler,
	Response,
} from "express";
import { fail, Refusal, type Violation } from "../errors.js";

/** RFC 9457 Problem Details, as every refusal of the gateway looks. */
export interface Problem {
	/** `urn:rapport:problem:<REASON>`; clients branch on it or on `reason`, never on a text. */
	type: string;
	title: string;
	status: number;
	detail?: string;
	/** `urn:rapport:request:<id>`, the trace id where there is one; names the request in logs and traces. */
	instance: string;
	reason: string;
	/** The service that refused, such as `customer.rapport`; `gateway.rapport` for the gateway itself. */
	domain: string;
	metadata?: Record<string, string>;
	violations?: Violation[];
}

interface Answer {
	problem: Problem;
	headers: Record<string, string>;
}

const ownDomain = "gateway.rapport";
const retrySeconds = 1;

const httpStatus = new Map<
	number,
	{ status: number; reason: string; title: string }
>([
	[
		grpc.CANCELLED,
		{ status: 499, reason: "CANCELLED", title: "The caller gave up" },
	],
	[
		grpc.UNKNOWN,
		{ status: 500, reason: "INTERNAL", title: "Something went wrong" },
	],
	[
		grpc.INVALID_ARGUMENT,
		{
			status: 400,
			reason: "INVALID_ARGUMENT",
			title: "The request is not valid",
		},
	],
	[
		grpc.DEADLINE_EXCEEDED,
		{
			status: 504,
			reason: "DEADLINE_EXCEEDED",
			title: "The service took too long",
		},
	],
	[grpc.NOT_FOUND, { status: 404, reason: "NOT_FOUND", title: "Not found" }],
	[
		grpc.ALREADY_EXISTS,
		{ status: 409, reason: "ALREADY_EXISTS", title: "It exists already" },
	],
	[
		grpc.PERMISSION_DENIED,
		{ status: 403, reason: "PERMISSION_DENIED", title: "Not permitted" },
	],
	[
		grpc.RESOURCE_EXHAUSTED,
		{ status: 429, reason: "RESOURCE_EXHAUSTED", title: "Too much at once" },
	],
	[
		grpc.FAILED_PRECONDITION,
		{
			status: 400,
			reason: "FAILED_PRECONDITION",
			title: "Not possible in this state",
		},
	],
	[
		grpc.ABORTED,
		{ status: 409, reason: "ABORTED", title: "Somebody else was faster" },
	],
	[
		grpc.OUT_OF_RANGE,
		{ status: 400, reason: "OUT_OF_RANGE", title: "Out of range" },
	],
	[
		grpc.UNIMPLEMENTED,
		{
			status: 501,
			reason: "UNIMPLEMENTED",
			title: "The service does not offer this yet",
		},
	],
	[
		grpc.INTERNAL,
		{ status: 500, reason: "INTERNAL", title: "Something went wrong" },
	],
	[
		grpc.UNAVAILABLE,
		{
			status: 503,
			reason: "UNAVAILABLE",
			title: "The service is not available",
		},
	],
	[
		grpc.DATA_LOSS,
		{ status: 500, reason: "INTERNAL", title: "Something went wrong" },
	],
]);

/** The id by which a request is found again: its trace id, else one made for it and kept. */
export function correlationOf(response: Response): string {
	response.locals.correlation ??= activeTraceId() ?? randomUUID();
	return response.locals.correlation as string;
}

interface ErrorDetails {
	reason?: string;
	domain?: string;
	metadata?: Record<string, string>;
	violations?: Violation[];
	retrySeconds?: number;
}

/** Services name fields as the contract does, `party.display_name`; over JSON they are called `party.displayName`. */
const jsonPath = (path: string): string =>
	path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

type Fields = Record<string, unknown>;

function readDetail(
	found: ErrorDetails,
	desc: DescMessage,
	fields: Fields,
): void {
	if (desc.typeName === "google.rpc.ErrorInfo") {
		found.reason = fields.reason as string;
		found.domain = fields.domain as string;
		found.metadata = fields.metadata as Record<string, string>;
	} else if (desc.typeName === "google.rpc.BadRequest") {
		const violations = fields.fieldViolations as Violation[];
		found.violations = violations.map(({ field, description }) => ({
			field: jsonPath(field),
			description,
		}));
	} else if (desc.typeName === "google.rpc.RetryInfo") {
		const delay = fields.retryDelay as
			| { seconds: bigint; nanos: number }
			| undefined;
		found.retrySeconds = delay
			? Number(delay.seconds) + (delay.nanos > 0 ? 1 : 0)
			: undefined;
	}
}

const isMessage = (desc: AnyDesc | undefined): desc is DescMessage =>
	desc?.kind === "message";

/** What google.rpc.Status in the trailers tells about an error; nothing when there is none or it is unreadable. */
function detailsOf(error: ServiceError, registry: Registry): ErrorDetails {
	const found: ErrorDetails = {};
	const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
	const statusDesc = registry.get("google.rpc.Status");
	if (!(bytes instanceof Buffer) || !isMessage(statusDesc)) return found;
	try {
		const { details } = fromBinary(statusDesc, bytes) as unknown as {
			details: Any[];
		};
		for (const any of details) {
			const desc = registry.get(
				any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1),
			);
			const detail = isMessage(desc) ? anyUnpack(any, desc) : undefined;
			if (detail && isMessage(desc))
				readDetail(found, desc, detail as unknown as Fields);
		}
	} catch (cause) {
		logger.warn({ err: cause }, "unreadable status details");
	}
	return found;
}

function isServiceError(error: unknown): error is ServiceError {
	return (
		error instanceof Error &&
		"code" in error &&
		typeof error.code === "number" &&
		"details" in error
	);
}

function fromService(
	error: ServiceError,
	registry: Registry,
	instance: string,
): Answer {
	const fallback = httpStatus.get(error.code) ?? {
		status: 500,
		reason: "INTERNAL",
		title: "Something went wrong",
	};
	const details = detailsOf(error, registry);
	const reason = details.reason || fallback.reason;
	const retry =
		details.retrySeconds ??
		(fallback.status === 503 ? retrySeconds : undefined);
	const ownError =
		error.code === grpc.UNAVAILABLE || error.code === grpc.DEADLINE_EXCEEDED;
	return {
		problem: {
			type: `urn:rapport:problem:${reason}`,
			title: fallback.title,
			status: fallback.status,
			// Without an ErrorInfo the text is the transport's and names addresses.
			...(details.reason && !ownError ? { detail: error.details } : {}),
			instance,
			reason,
			domain: details.domain || ownDomain,
			...(details.metadata && Object.keys(details.metadata).length > 0
				? { metadata: details.metadata }
				: {}),
			...(details.violations ? { violations: details.violations } : {}),
		},
		headers:
			retry === undefined ? {} : { "retry-after": String(Math.max(1, retry)) },
	};
}

function fromRefusal(refusal: Refusal, instance: string): Answer {
	const { detail, violations, headers = {} } = refusal.detail;
	const authenticate: Record<string, string> =
		refusal.status === 401
			? { "www-authenticate": 'Bearer realm="rapport"' }
			: {};
	return {
		problem: {
			type: `urn:rapport:problem:${refusal.reason}`,
			title: refusal.title,
			status: refusal.status,
			...(detail === undefined ? {} : { detail }),
			instance,
			reason: refusal.reason,
			domain: ownDomain,
			...(violations === undefined ? {} : { violations }),
		},
		headers: { ...authenticate, ...headers },
	};
}

/** Errors of express' own parsers carry `type` and `status`. */
function fromParser(error: unknown): Refusal | undefined {
	if (!(error instanceof Error) || !("type" in error) || !("status" in error))
		return undefined;
	if (error.type === "entity.too.large")
		return fail("BODY_TOO_LARGE", {}, error);
	if (error.status === 415) return fail("UNSUPPORTED_MEDIA_TYPE", {}, error);
	return typeof error.status === "number" && error.status < 500
		? fail("MALFORMED_JSON", {}, error)
		: undefined;
}

/** Turns whatever was thrown into a problem. Logs what is the gateway's or a service's fault, once, with its cause. */
export function toAnswer(
	error: unknown,
	registry: Registry,
	instance: string,
): Answer {
	if (isServiceError(error)) {
		if (error.code === grpc.UNAUTHENTICATED) {
			// The caller was authenticated here, so it is the gateway's own token that the service does not accept.
			logger.error(
				{ code: error.code, instance },
				"a service refused the token of the gateway",
			);
			return fromRefusal(fail("GATEWAY_IDENTITY_REFUSED"), instance);
		}
		return fromService(error, registry, instance);
	}
	if (error instanceof URIError)
		return fromRefusal(fail("MALFORMED_PATH"), instance);
	const refusal =
		error instanceof Refusal
			? error
			: (fromParser(error) ?? fail("INTERNAL", {}, error));
	if (refusal.status >= 500)
		logger.error({ err: refusal.cause ?? refusal, instance }, refusal.title);
	return fromRefusal(refusal, instance);
}

/** Answers an error as `application/problem+json`. When the answer has begun, it is cut, so that the caller notices. */
export function sendProblem(
	response: Response,
	error: unknown,
	registry: Registry,
): void {
	const { problem, headers } = toAnswer(
		error,
		registry,
		`urn:rapport:request:${correlationOf(response)}`,
	);
	if (response.headersSent) {
		response.destroy();
		return;
	}
	response.status(problem.status).set(headers).set("cache-control", "no-store");
	response.type("application/problem+json").send(JSON.stringify(problem));
}

/** The error handler of the application. */
export function problemHandler(registry: Registry): ErrorRequestHandler {
	return (error: unknown, _request: Request, response: Response, _next): void =>
		sendProblem(response, error, registry);
}

/** Puts the correlation id on every answer. */
export const correlate: RequestHandler = (_request, response, next) => {
	response.set("rapport-correlation-id", correlationOf(response));
	next();
};
