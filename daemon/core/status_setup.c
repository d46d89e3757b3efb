/* SPDX-License-Identifier: Apache-2.0 */
/* How the service was set up, as status.json has it: what of its keys is lacking, what came of the
 * last reload. */
#include <jansson.h>

#include "core/service.h"
#include "core/status_setup.h"

static json_t *credentials_array(const struct service *service)
{
	const struct keys *keys = &service->keys;
	json_t *array = json_array();

	for (size_t i = 0; i < keys->n_destinations; i++) {
		const struct config_destination *destination = &service->config->destinations[i];

		if (*keys->lacking[i])
			(void)json_array_append_new(
				array, json_pack("{ss, ss, ss}", "destination", destination->name,
						 "credential", destination->hmac_secret, "words",
						 keys->lacking[i]));
	}
	return array;
}

void status_set_up(const struct service *service, json_t *object)
{
	const struct service_reloads *reloads = &service->reloads;

	(void)json_object_set_new(object, "credentials_missing", credentials_array(service));
	(void)json_object_set_new(object, "reload",
				  json_pack("{sI, sb, ss}", "n", (json_int_t)reloads->n, "refused",
					    reloads->refused, "words", reloads->words));
}
