/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key that signs, as the record itself tells it: so that whoever trusts the first can follow.
 */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "core/chain.h"
#include "core/record_verify.h"

int chain_name_key(const struct service *service, struct chain_names *ret)
{
	const struct sign_key *own = service->keys.own[0];
	int r = own ? sign_key_public(own, ret->public) : -EOPNOTSUPP;

	ret->keys = (struct event_keys){0};
	if (r == 0)
		r = sign_key_id(own, ret->id);
	if (r == 0)
		ret->keys = (struct event_keys){.id = ret->id, .public = ret->public};
	return r;
}

static bool take_key(void *userdata, const char *type, const char *line)
{
	struct chain_watch *chain = userdata;

	(void)type;
	chain->has_key = verify_key_named(line, strlen(line), &chain->key) > 0;
	return !chain->has_key;
}

int chain_find_key(struct service *service)
{
	service->chain->has_key = false;
	return record_chain(service->record, take_key, service->chain);
}

/* the old key's word for the new one. Return: 0; -ENOKEY the old one is not here; -errno. */
static int vouch(const struct service *service, struct chain_names *names)
{
	const char *origin = service->config->origin;
	const struct sign_key *old = service->keys.own[1];
	char text[VERIFY_ROTATION_MAX], id[SIGN_KEY_ID_TEXT];
	uint8_t signature[SIGN_ED25519_BYTES];
	int r = old ? sign_key_id(old, id) : -ENOKEY;

	if (r == 0 && strcmp(id, service->chain->key.id) != 0)
		r = -ENOKEY;
	if (r == 0)
		r = sign_bytes(old, text,
			       verify_rotation(origin, names->old_public, names->public, text),
			       signature);
	if (r < 0)
		return r;
	sign_signature_text(signature, names->signature);
	names->keys.signature = names->signature;
	return 0;
}

void chain_rotate(struct service *service)
{
	struct event event = event_plain(EVENT_KEY_ROTATED, service_now(service));
	struct chain_watch *chain = service->chain;
	struct chain_names names;

	if (!chain->has_key || chain_name_key(service, &names) < 0 ||
	    strcmp(names.id, chain->key.id) == 0)
		return;
	sign_public_text(&chain->key, names.old_public);
	names.keys.origin = service->config->origin;
	names.keys.old_id = chain->key.id;
	names.keys.old_public = names.old_public;
	if (vouch(service, &names) < 0) {
		chain->is_unseen = chain->is_unvouched = true;
		event.reason = "the old key is not here to vouch for it";
		log_warning("the record was signed by key %s, which is not here: nobody can follow "
			    "from it to key %s; the department has to be told the new one. To "
			    "rotate: wastewatch keygen --rotate",
			    chain->key.id, names.id);
	}
	event.keys = &names.keys;
	core_event(service->core, &event);
	(void)sign_public_load(&chain->key, names.public, strlen(names.public));
}
