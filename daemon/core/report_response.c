/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report_parts.h"

static void set(json_t *object, const char *key, const char *text)
{
	if (*text)
		(void)json_object_set_new(object, key, json_string(text));
}

/* an object that says nothing is left out */
static void add(json_t *to, const char *key, json_t *object)
{
	if (json_object_size(object) > 0)
		(void)json_object_set(to, key, object);
	json_decref(object);
}

void report_part_response(const struct core *core, const struct core_incident *incident,
			  json_t *data)
{
	size_t site = (size_t)(incident - core->incidents) / N_WASTE_KINDS;
	const struct config_response *response = &core->config->sites[site].response;
	json_t *object = json_object(), *contact = json_object();

	set(object, "plan", response->plan);
	set(object, "command", response->command);
	set(object, "forces", response->forces);
	set(object, "means", response->means);
	set(object, "supplies", response->supplies);
	set(contact, "name", response->contact_name);
	set(contact, "phone", response->contact_phone);
	set(contact, "email", response->contact_email);
	add(object, "contact", contact);
	add(data, "response", object);
}
