/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ration.h"

#include "common/macro.h"

#define WHOLE ((int64_t)RATION_WHOLE)

static struct ration_account *account_of(struct ration *ration, uint32_t uid, int64_t mono_ms)
{
	struct ration_account *oldest = &ration->accounts[0];

	for (size_t i = 0; i < RATION_ACCOUNTS; i++) {
		struct ration_account *account = &ration->accounts[i];

		if (account->used && account->uid == uid)
			return account;
		if (oldest->used && (!account->used || account->mono_ms < oldest->mono_ms))
			oldest = account;
	}
	*oldest = (struct ration_account){
		.uid = uid, .used = true, .left = RATION_BURST * WHOLE, .mono_ms = mono_ms};
	return oldest;
}

bool ration_spend(struct ration *ration, uint32_t key, int64_t mono_ms, int64_t cost)
{
	struct ration_account *account = account_of(ration, key, mono_ms);
	/* RATION_PER_S actions per 1000 ms are as many thousandths per ms; more than a burst is
	 * never kept, so a long time need not be multiplied out */
	int64_t passed_ms = MIN(MAX(mono_ms - account->mono_ms, (int64_t)0),
				RATION_BURST * WHOLE / RATION_PER_S);

	account->left = MIN(account->left + passed_ms * RATION_PER_S, RATION_BURST * WHOLE);
	account->mono_ms = MAX(mono_ms, account->mono_ms);
	if (account->left < cost)
		return false;
	account->left -= cost;
	return true;
}

bool ration_take(struct ration *ration, uint32_t uid, int64_t mono_ms)
{
	return ration_spend(ration, uid, mono_ms, WHOLE);
}
