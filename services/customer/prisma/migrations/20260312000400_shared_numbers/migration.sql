-- Numbers of holdings are found by whoever shares a household with their owner, as everything else of a party is.
CREATE POLICY shared ON holding_number FOR SELECT USING (current_setting('rapport.household', true) <> ''
  AND party_id = ANY ((SELECT household_reach(current_setting('rapport.household', true)))::uuid[]));
