/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fields.h"
#include "core/report_parts.h"

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

	field_set_text(object, "plan", response->plan);
	field_set_text(object, "command", response->command);
	field_set_text(object, "forces", response->forces);
	field_set_text(object, "means", response->means);
	field_set_text(object, "supplies", response->supplies);
	field_set_text(contact, "name", response->contact_name);
	field_set_text(contact, "phone", response->contact_phone);
	field_set_text(contact, "email", response->contact_email);
	add(object, "contact", contact);
	add(data, "response", object);
}
