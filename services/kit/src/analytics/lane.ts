import type { ClickHouseClient } from "@clickhouse/client";

/**
 * One connection of the embedded engine and the line of statements waiting for it. The engine runs the statements of a
 * connection one after the other and keeps a libuv thread blocked for each that waits; with four threads in a process,
 * four waiting statements would stop its files and name look-ups too. So they wait here instead.
 */
export interface Lane {
	readonly client: ClickHouseClient;
	/** statements running or waiting */
	readonly length: number;
	run<T>(work: (client: ClickHouseClient) => Promise<T>): Promise<T>;
	/** waits for what is running and waiting, then closes the connection */
	close(): Promise<void>;
}

export function serialLane(
	client: ClickHouseClient,
	first: readonly string[],
): Lane {
	let length = 0;
	let tail: Promise<unknown> = Promise.resolve();

	function run<T>(work: (client: ClickHouseClient) => Promise<T>): Promise<T> {
		length += 1;
		const result = tail.then(() => work(client));
		tail = result.then(
			() => {
				length -= 1;
			},
			() => {
				length -= 1;
			},
		);
		return result;
	}

	// A failing setting fails the first statement of the caller, who can report it, not an unhandled rejection.
	let unset: unknown;
	void run(async (to) => {
		for (const query of first) await to.command({ query });
	}).catch((error: unknown) => {
		unset = error;
	});

	return {
		client,
		get length() {
			return length;
		},
		run: (work) =>
			run((to) => {
				if (unset !== undefined) throw unset;
				return work(to);
			}),
		async close() {
			await tail;
			await client.close();
		},
	};
}

/** A cluster needs no line of ours: the HTTP client has its own pool. */
export function openLane(client: ClickHouseClient): Lane {
	return {
		client,
		length: 0,
		run: (work) => work(client),
		close: () => client.close(),
	};
}
