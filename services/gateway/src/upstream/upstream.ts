import { readFileSync } from "node:fs";
import {
	type ChannelOptions,
	Client,
	type ClientReadableStream,
	credentials,
	type Metadata,
	type ServiceError,
} from "@grpc/grpc-js";
import { fail } from "../errors.js";

/** A gRPC call whose messages are already encoded. */
export interface RawCall {
	domain: string;
	/** `/package.Service/Method` */
	path: string;
	message: Uint8Array;
	metadata: Metadata;
	timeoutMs: number;
	/** Aborting it cancels the call. */
	signal: AbortSignal;
}

/** The services behind the gateway, by domain. */
export interface Upstream {
	/** The encoded answer; rejects with grpc-js' ServiceError, or SERVICE_NOT_CONFIGURED. */
	unary(call: RawCall): Promise<Uint8Array>;
	/** The encoded answers as they come; the stream fails with a ServiceError. */
	stream(call: RawCall): ClientReadableStream<Uint8Array>;
	close(): void;
}

/** Files of the gateway's own certificate and of the authority that signs those of the services. */
export interface TlsFiles {
	ca: string;
	certificate: string;
	key: string;
}

// Local subchannels, so that a new channel does not inherit a wedged connection; keepalive finds a frozen backend.
const channelOptions: ChannelOptions = {
	"grpc.use_local_subchannel_pool": 1,
	"grpc.service_config": JSON.stringify({
		loadBalancingConfig: [{ round_robin: {} }],
	}),
	"grpc.keepalive_time_ms": 10_000,
	"grpc.keepalive_timeout_ms": 5_000,
	"grpc.enable_channelz": 0,
	"grpc.max_receive_message_length": 16 * 1024 * 1024,
};
const wedgedAfter = 5;

const identity = (bytes: Uint8Array): Buffer =>
	Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const same = (bytes: Buffer): Buffer => bytes;

/**
 * Opens a channel to each address (`host:port` by domain), with mutual TLS when files are given. Nothing connects
 * before the first call. A channel on which several calls in a row ran into their deadline is replaced: a peer that
 * accepts TCP and never answers wedges a channel for good.
 */
export function openUpstream(
	addresses: Record<string, string>,
	tls?: TlsFiles,
): Upstream {
	const channelCredentials = tls
		? credentials.createSsl(
				readFileSync(tls.ca),
				readFileSync(tls.key),
				readFileSync(tls.certificate),
			)
		: credentials.createInsecure();
	const connect = (address: string): Client => {
		const target = /^[a-z]+:/.test(address) ? address : `dns:${address}`;
		return new Client(target, channelCredentials, channelOptions);
	};
	const clients = new Map(
		Object.entries(addresses).map(([domain, address]) => [
			domain,
			connect(address),
		]),
	);
	const overdue = new Map<string, number>();

	const clientOf = (domain: string): Client => {
		const client = clients.get(domain);
		if (!client) throw fail("SERVICE_NOT_CONFIGURED");
		return client;
	};
	const account = (
		domain: string,
		used: Client,
		deadlinePassed: boolean,
	): void => {
		const count = deadlinePassed ? (overdue.get(domain) ?? 0) + 1 : 0;
		overdue.set(domain, count);
		const address = addresses[domain];
		if (
			count < wedgedAfter ||
			address === undefined ||
			clients.get(domain) !== used
		)
			return;
		overdue.set(domain, 0);
		clients.set(domain, connect(address));
		// Calls that still run on the old channel have a deadline, after which nothing holds it.
		setTimeout(() => used.close(), 60_000).unref();
	};
	const callOptions = (call: RawCall) => ({
		deadline: new Date(Date.now() + call.timeoutMs),
	});

	return {
		unary(call) {
			const client = clientOf(call.domain);
			return new Promise((resolve, reject) => {
				const done = (error: ServiceError | null, answer?: Buffer): void => {
					call.signal.removeEventListener("abort", abort);
					account(call.domain, client, error?.code === 4);
					if (error) reject(error);
					else resolve(answer ?? Buffer.alloc(0));
				};
				const running = client.makeUnaryRequest(
					call.path,
					identity,
					same,
					call.message,
					call.metadata,
					callOptions(call),
					done,
				);
				const abort = (): void => running.cancel();
				call.signal.addEventListener("abort", abort, { once: true });
				if (call.signal.aborted) abort();
			});
		},
		stream(call) {
			const client = clientOf(call.domain);
			const stream = client.makeServerStreamRequest<Uint8Array, Buffer>(
				call.path,
				identity,
				same,
				call.message,
				call.metadata,
				callOptions(call),
			);
			call.signal.addEventListener("abort", () => stream.cancel(), {
				once: true,
			});
			if (call.signal.aborted) stream.cancel();
			return stream;
		},
		close() {
			for (const client of clients.values()) client.close();
		},
	};
}
