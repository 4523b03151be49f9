import { type ChannelOptions, Client, connectivityState, type ChannelCredentials } from '@grpc/grpc-js';
import { logger } from '../runtime/index.js';

/** A call that was started before the channel was connected; it has not left this process. */
export interface Waiting {
  /** The channel was replaced: cancel, and begin again on the new one. */
  abandon(): void;
}

/** A channel to one address that does not stay wedged. */
export interface Channel {
  /** The client to make a call on now. */
  client(): Client;
  /** Tells of a call that begins; the answer is called when it has ended. */
  began(call: Waiting): () => void;
  /** Cancels nothing, opens nothing more. */
  close(): void;
}

/**
 * Opens a channel. A peer that accepts the TCP connection and never speaks HTTP/2 leaves grpc-js CONNECTING for ever,
 * out of reach of keepalive; so when a channel that calls wait for has been CONNECTING for `stuckMs`, it is replaced,
 * and the calls that waited begin again on the new one, which is safe because none of them has left.
 */
export function openChannel(
  address: string,
  credentials: () => ChannelCredentials,
  options: ChannelOptions,
  stuckMs: number,
): Channel {
  let closed = false;
  let current = open();
  let waiting = new Set<Waiting>();
  let connectingSince: number | undefined;
  let watch: NodeJS.Timeout | undefined;

  function open(): Client {
    return new Client(address, credentials(), options);
  }

  function state(): connectivityState {
    return current.getChannel().getConnectivityState(false);
  }

  function look(): void {
    const now = state();
    if (now === connectivityState.READY || waiting.size === 0) {
      // Connected: whatever waited may have been sent, so it is no longer ours to repeat.
      waiting.clear();
      rest();
      return;
    }
    if (now !== connectivityState.CONNECTING) connectingSince = undefined;
    else if (connectingSince === undefined) connectingSince = Date.now();
    else if (Date.now() - connectingSince >= stuckMs) replace();
  }

  function rest(): void {
    clearInterval(watch);
    watch = undefined;
    connectingSince = undefined;
  }

  function replace(): void {
    logger.warn({ peer: address }, 'a channel did not get past connecting and is replaced');
    const old = current;
    const calls = waiting;
    current = open();
    waiting = new Set();
    connectingSince = undefined;
    for (const call of calls) call.abandon();
    old.close();
  }

  return {
    client: () => current,
    began: (call) => {
      if (closed || state() === connectivityState.READY) return () => undefined;
      waiting.add(call);
      watch ??= setInterval(look, Math.max(20, stuckMs / 10)).unref();
      return () => waiting.delete(call);
    },
    close: () => {
      closed = true;
      rest();
      current.close();
    },
  };
}
