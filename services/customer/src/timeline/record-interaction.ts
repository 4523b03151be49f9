import { audit } from '@rapport/kit/crypto';
import { sql } from '@rapport/kit/db';
import { publish } from '@rapport/kit/events';
import { type Call, idempotent, scopeFor } from '@rapport/kit/rpc';
import { uuidv7 } from '@rapport/kit/runtime';
import {
  type Interaction,
  InteractionRecorded,
  type RecordInteractionRequest,
  RecordInteractionResponse,
} from '@rapport/proto/customer/v1';
import type { Deps } from '../deps.js';
import { fail } from '../errors.js';
import { claimKeys } from '../holding/holding.js';
import { assertParty } from '../party/party.js';
import {
  interactionFields,
  interactionMessage,
  interactionName,
  interactionRecorded,
  type InteractionRecord,
} from './interaction.js';

/** How far the clock of another system may be ahead, in milliseconds. */
const TOLERANCE_MS = 60_000;

/** Records one contact with a party. */
export async function recordInteraction(
  deps: Deps,
  request: RecordInteractionRequest,
  call: Call,
): Promise<RecordInteractionResponse> {
  const interaction = request.interaction as Interaction;
  const { source, sourceKey } = interaction;
  const fields = interactionFields(interaction);
  if (fields.time.getTime() > deps.clock.now().getTime() + TOLERANCE_MS) {
    throw fail('TIME_IN_FUTURE', { violations: [{ field: 'interaction.time', description: 'lies in the future' }] });
  }
  if ((source === '') !== (sourceKey === '')) {
    const field = source === '' ? 'interaction.source' : 'interaction.source_key';
    throw fail('FIELD_INVALID', { violations: [{ field, description: 'source and source_key go together' }] });
  }
  const scope = scopeFor(call, 'C2');
  return idempotent(
    deps.prisma,
    call,
    request,
    RecordInteractionResponse,
    async (tx) => {
      const { partyId, organisationPath, manager } = await assertParty(
        tx,
        request.parent,
        scope,
        sql`FOR SHARE OF golden`,
      );
      const row: InteractionRecord = {
        ...fields,
        partyId,
        organisationPath,
        manager,
        interactionId: uuidv7(),
        source: source || null,
        sourceKey: sourceKey || null,
        createTime: deps.clock.now(),
      };
      const name = interactionName(row);
      if (source !== '') {
        const claim = { sourceKey, partyId, id: row.interactionId, content: 0n };
        const free = await claimKeys(tx, 'interaction', source, [claim]);
        if (free.size === 0) throw fail('DUPLICATE_SOURCE_KEY');
      }
      await tx.prisma.interaction.create({ data: row });
      await audit(tx, call, { resource: name, change: { created: true, channel: row.channel } });
      await publish(tx, InteractionRecorded, interactionRecorded(row), { aggregate: partyId, subject: name });
      return { interaction: interactionMessage(row) };
    },
    { scope },
  );
}
